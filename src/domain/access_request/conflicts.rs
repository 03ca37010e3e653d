//! What may be a conflict of interest of somebody who decides. It is only said: stepping aside is theirs to do.

use crate::domain::ids::PersonId;
use crate::domain::person::Person;
use crate::domain::search::fold;
use crate::domain::words::words;

/// What may be a conflict of interest between somebody who decides and somebody whom a request is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PossibleConflict {
    /// They say that they work in the same place.
    SameInstitution,
    /// Their addresses are of the same domain, which is not a public mail provider's.
    SameMailDomain,
    /// They are, or were, members of the same project.
    SharedProject,
}

words! {
    PossibleConflict {
        SameInstitution = "same-institution",
        SameMailDomain = "same-mail-domain",
        SharedProject = "shared-project",
    }
}

/// Domains of public mail providers: anybody can have an address there, so it says nothing about who they work with.
const PUBLIC_MAIL_DOMAINS: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "duck.com",
    "fastmail.com",
    "foxmail.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "seznam.cz",
    "tuta.com",
    "web.de",
    "yahoo.co.jp",
    "yahoo.com",
    "yahoo.com.tw",
    "yandex.ru",
    "ymail.com",
];

/// What may be a conflict of interest of somebody who decides, with the people whom a request is for: the project's
/// institution, its people, and those of them with whom they share a project.
pub fn possible_conflicts(
    decider: &Person,
    (institution, people): (Option<&str>, &[Person]),
    shares_project_with: &[PersonId],
) -> Vec<PossibleConflict> {
    // As they are searched for: without case, accents and widths.
    let fold = |place: &str| fold(place).split_whitespace().collect::<Vec<_>>().join(" ");
    let own_place = decider.affiliation.as_deref().map(fold).filter(|place| !place.is_empty());
    let places = people.iter().filter_map(|person| person.affiliation.as_deref()).chain(institution);
    let same_place = own_place.is_some_and(|own| places.map(fold).any(|place| place == own));
    let own_domain = decider.email.domain();
    let is_public = PUBLIC_MAIL_DOMAINS.contains(&own_domain.as_str());
    let same_domain = !is_public && people.iter().any(|person| person.email.domain() == own_domain);
    let shares = people.iter().any(|person| shares_project_with.contains(&person.id));
    let found = [
        (same_place, PossibleConflict::SameInstitution),
        (same_domain, PossibleConflict::SameMailDomain),
        (shares, PossibleConflict::SharedProject),
    ];
    found.into_iter().filter_map(|(is_so, conflict)| is_so.then_some(conflict)).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128, email: &str, affiliation: Option<&str>) -> Person {
        let fixture = Person::fixture(PersonId(Uuid::from_u128(number)));
        Person { email: email.parse().unwrap(), affiliation: affiliation.map(Into::into), ..fixture }
    }

    #[test]
    fn what_may_be_a_conflict_is_said() {
        use PossibleConflict::{SameInstitution, SameMailDomain, SharedProject};
        let applicant = person(1, "ada@uni.example", Some("Universität Köln"));
        let conflicts = |decider: &Person, institution: Option<&str>, shared: &[PersonId]| {
            possible_conflicts(decider, (institution, std::slice::from_ref(&applicant)), shared)
        };
        assert_eq!(conflicts(&person(2, "b@other.example", None), None, &[]), []);
        assert_eq!(conflicts(&person(2, "b@UNI.example", Some("")), Some(""), &[]), [SameMailDomain]);
        assert_eq!(conflicts(&person(2, "b@sub.uni.example", Some("universitat koln")), None, &[]), [SameInstitution]);
        assert_eq!(conflicts(&person(2, "b@x.example", Some("Lab  9")), Some("lab 9 "), &[]), [SameInstitution]);
        assert_eq!(conflicts(&person(2, "b@x.example", None), None, &[applicant.id]), [SharedProject]);
        assert_eq!(conflicts(&person(2, "b@x.example", None), None, &[PersonId(Uuid::from_u128(9))]), []);
        let at_home = Person { email: "ada@gmail.com".parse().unwrap(), ..applicant.clone() };
        assert_eq!(possible_conflicts(&person(2, "b@gmail.com", None), (None, &[at_home]), &[]), []);
    }
}
