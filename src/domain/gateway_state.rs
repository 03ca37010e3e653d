//! The state of the gateway's parts: what somebody who runs it looks at first.

use super::{TimeSpan, Timestamp};

/// For how long mail may wait: longer, and the server it goes to does not take it.
const MAIL_MAY_WAIT: TimeSpan = TimeSpan::hours(1);
/// From how long before its end on a certificate should have been renewed.
const RENEWAL_IS_DUE: TimeSpan = TimeSpan::days(14);
/// By how many entries the count of downloads may be behind the log: a busy gateway records more in the seconds between two
/// looks at it.
const COUNT_MAY_BE_BEHIND: u64 = 1_000_000;
/// For how long mail that was given up, and a file that was found changed, are news.
const RECENT: TimeSpan = TimeSpan::days(7);

/// The condition of a part, ordered from good to broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Condition {
    /// As it should be.
    Good,
    /// It works, and somebody should look at it.
    NeedsAttention,
    /// It does not work.
    Broken,
}

impl Condition {
    /// Attention where something is so, good where not.
    const fn attention_if(is_so: bool) -> Self {
        if is_so { Self::NeedsAttention } else { Self::Good }
    }
}

/// A part of the gateway that is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Whether what happens is recorded; what is not recorded is not delivered.
    Recording,
    /// The room on the disk of the database.
    Disk,
    /// The mail that is sent.
    Mail,
    /// The files that are delivered: whether they are what was imported.
    Files,
    /// The count of downloads for overviews.
    Counting,
    /// The certificate, where TLS ends here.
    Certificate,
}

/// The mail that has not arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UnsentMail {
    /// How many messages wait to be sent.
    pub waiting: u64,
    /// Since when the oldest of them does.
    pub since: Option<Timestamp>,
    /// How many were given up lately.
    pub failed: u64,
}

/// The certificate of the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CertificateState {
    /// TLS ends elsewhere.
    Elsewhere,
    /// Its files can't be read, or do not go together.
    Unusable,
    /// It is valid until then.
    ValidUntil(Timestamp),
}

/// What is known about the gateway's parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GatewayState {
    /// Whether what happened last could be recorded.
    pub records: bool,
    /// How many entries the log has.
    pub entries: u64,
    /// Up to which of them downloads are counted.
    pub counted: u64,
    /// How many bytes the disk of the database has left, where that can be known here.
    pub free: Option<u64>,
    /// Whether what is left is kept for people who are known.
    pub disk_is_low: bool,
    /// The mail that has not arrived.
    pub mail: UnsentMail,
    /// How many files were found lately that are not what was imported, and were not imported again since.
    pub changed_files: u64,
    /// The certificate.
    pub certificate: CertificateState,
}

/// From when on mail that was given up counts, and files that were found changed.
pub fn recent_since(now: Timestamp) -> Timestamp {
    now - RECENT
}

impl GatewayState {
    /// How each part is.
    pub fn conditions(&self, now: Timestamp) -> Vec<(Part, Condition)> {
        let parts = [
            (Part::Recording, Some(if self.records { Condition::Good } else { Condition::Broken })),
            (Part::Disk, self.free.map(|_| Condition::attention_if(self.disk_is_low))),
            (Part::Mail, Some(self.mail_condition(now))),
            (Part::Files, Some(Condition::attention_if(self.changed_files > 0))),
            (Part::Counting, Some(Condition::attention_if(self.uncounted() > COUNT_MAY_BE_BEHIND))),
            (Part::Certificate, self.certificate_condition(now)),
        ];
        parts.into_iter().filter_map(|(part, condition)| Some((part, condition?))).collect()
    }

    /// How many entries of the log have not been looked through for downloads.
    pub const fn uncounted(&self) -> u64 {
        self.entries.saturating_sub(self.counted)
    }

    fn mail_condition(&self, now: Timestamp) -> Condition {
        let waits_long = self.mail.since.is_some_and(|since| now - since > MAIL_MAY_WAIT);
        Condition::attention_if(waits_long || self.mail.failed > 0)
    }

    fn certificate_condition(&self, now: Timestamp) -> Option<Condition> {
        match self.certificate {
            CertificateState::Elsewhere => None,
            CertificateState::Unusable => Some(Condition::Broken),
            CertificateState::ValidUntil(end) if end <= now => Some(Condition::Broken),
            CertificateState::ValidUntil(end) => Some(Condition::attention_if(end - now < RENEWAL_IS_DUE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const WELL: GatewayState = GatewayState {
        records: true,
        entries: 10,
        counted: 10,
        free: Some(1 << 40),
        disk_is_low: false,
        mail: UnsentMail { waiting: 0, since: None, failed: 0 },
        changed_files: 0,
        certificate: CertificateState::Elsewhere,
    };

    fn not_good(state: GatewayState) -> Vec<(Part, Condition)> {
        state.conditions(NOW).into_iter().filter(|(_, condition)| *condition != Condition::Good).collect()
    }

    #[test]
    fn a_gateway_that_is_well_needs_nothing() {
        let parts = WELL.conditions(NOW);
        assert_eq!(
            parts.iter().map(|(part, _)| *part).collect::<Vec<_>>(),
            [Part::Recording, Part::Disk, Part::Mail, Part::Files, Part::Counting]
        );
        assert_eq!(not_good(WELL), []);
        let waits_a_little = UnsentMail { waiting: 3, since: Some(NOW - TimeSpan::minutes(59)), failed: 0 };
        let renewed = CertificateState::ValidUntil(NOW + TimeSpan::days(15));
        assert_eq!(not_good(GatewayState { mail: waits_a_little, certificate: renewed, counted: 0, ..WELL }), []);
    }

    #[test]
    fn what_is_wrong_is_said_of_its_part() {
        use Condition::{Broken, NeedsAttention};
        let until = |span: TimeSpan| CertificateState::ValidUntil(NOW + span);
        let waits_long = UnsentMail { waiting: 1, since: Some(NOW - TimeSpan::minutes(61)), failed: 0 };
        for (state, expected) in [
            (GatewayState { records: false, ..WELL }, (Part::Recording, Broken)),
            (GatewayState { disk_is_low: true, ..WELL }, (Part::Disk, NeedsAttention)),
            (GatewayState { mail: waits_long, ..WELL }, (Part::Mail, NeedsAttention)),
            (GatewayState { mail: UnsentMail { failed: 1, ..WELL.mail }, ..WELL }, (Part::Mail, NeedsAttention)),
            (GatewayState { changed_files: 1, ..WELL }, (Part::Files, NeedsAttention)),
            (GatewayState { entries: 2_000_000, ..WELL }, (Part::Counting, NeedsAttention)),
            (GatewayState { certificate: until(TimeSpan::days(13)), ..WELL }, (Part::Certificate, NeedsAttention)),
            (GatewayState { certificate: until(TimeSpan::days(0)), ..WELL }, (Part::Certificate, Broken)),
            (GatewayState { certificate: CertificateState::Unusable, ..WELL }, (Part::Certificate, Broken)),
        ] {
            assert_eq!(not_good(state), [expected], "{state:?}");
        }
        let nowhere = GatewayState { free: None, disk_is_low: true, ..WELL };
        assert_eq!(not_good(nowhere), [], "the disk of another machine");
    }
}
