//! Words in the reader's language: Project Fluent messages, compiled in.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use crate::domain::text::Language;
use crate::domain::{TimeSpan, Timestamp};

const ENGLISH: &[&str] = &[
    include_str!("../locales/en/site.ftl"),
    include_str!("../locales/en/catalogue.ftl"),
    include_str!("../locales/en/requests.ftl"),
    include_str!("../locales/en/account.ftl"),
    include_str!("../locales/en/admin.ftl"),
    include_str!("../locales/en/manage.ftl"),
    include_str!("../locales/en/problems.ftl"),
    include_str!("../locales/en/mail.ftl"),
    include_str!("../locales/en/countries.ftl"),
    include_str!("../locales/en/audit.ftl"),
];
const CHINESE: &[&str] = &[
    include_str!("../locales/zh-TW/site.ftl"),
    include_str!("../locales/zh-TW/catalogue.ftl"),
    include_str!("../locales/zh-TW/requests.ftl"),
    include_str!("../locales/zh-TW/account.ftl"),
    include_str!("../locales/zh-TW/admin.ftl"),
    include_str!("../locales/zh-TW/manage.ftl"),
    include_str!("../locales/zh-TW/problems.ftl"),
    include_str!("../locales/zh-TW/mail.ftl"),
    include_str!("../locales/zh-TW/countries.ftl"),
    include_str!("../locales/zh-TW/audit.ftl"),
];

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 2]> =
    LazyLock::new(|| [bundle(Language::English, ENGLISH), bundle(Language::TraditionalChinese, CHINESE)]);

fn bundle(language: Language, sources: &[&str]) -> Bundle {
    let id = language.tag().parse().expect("the tags of the languages are BCP 47");
    let mut bundle = Bundle::new_concurrent(vec![id]);
    // Pages set the direction themselves; isolation marks would get into copied text.
    bundle.set_use_isolating(false);
    for source in sources {
        // What could be parsed is used; a test sees to it that everything can.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// A value for a message.
#[derive(Clone, Debug)]
pub enum Arg<'a> {
    /// Text.
    Text(&'a str),
    /// A number, which may choose a plural form; shown with separators.
    Number(u64),
}

/// The message `key` in `language`, with its values filled in. A key that is not there gives itself, so that it is seen.
pub fn say(language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> String {
    let bundle = match language {
        Language::English => &BUNDLES[0],
        Language::TraditionalChinese => &BUNDLES[1],
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        debug_assert!(false, "no message {key} in {}", language.tag());
        return key.to_owned();
    };
    let mut values = FluentArgs::new();
    for (name, arg) in args {
        match arg {
            Arg::Text(text) => values.set(*name, FluentValue::from(*text)),
            Arg::Number(number) => {
                values.set(format!("{name}-shown"), FluentValue::from(separated(*number)));
                values.set(*name, FluentValue::from(*number));
            }
        }
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned();
    debug_assert!(errors.is_empty(), "{key}: {errors:?}");
    text
}

/// Whether there is a message `key`.
pub fn has(language: Language, key: &str) -> bool {
    match language {
        Language::English => BUNDLES[0].has_message(key),
        Language::TraditionalChinese => BUNDLES[1].has_message(key),
    }
}

/// 112,120.
pub fn separated(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in decimal units: 92 KB, 7.9 MB, 45.1 GB.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut whole, mut unit) = (bytes, 0);
    while whole >= 999_950 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    let tenths = (whole + 50) / 100;
    if tenths >= 100 {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// A date: 24 November 2026, or 2026年11月24日. In UTC.
pub fn date(language: Language, at: Timestamp) -> String {
    let civil = at.civil();
    match language {
        Language::English => format!(
            "{} {} {}",
            civil.day(),
            ENGLISH_MONTHS[usize::from(civil.month().unsigned_abs()) - 1],
            civil.year()
        ),
        Language::TraditionalChinese => format!("{}年{}月{}日", civil.year(), civil.month(), civil.day()),
    }
}

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The last day of something that ends at a time: the day before, where that is the midnight that follows it.
pub fn last_day(language: Language, end: Timestamp) -> String {
    date(language, end - TimeSpan(1))
}

/// A date and the time to the minute, in UTC.
pub fn date_time(language: Language, at: Timestamp) -> String {
    let civil = at.civil();
    format!("{} {:02}:{:02} UTC", date(language, at), civil.hour(), civil.minute())
}

/// How long something has lasted, in its largest unit.
pub fn lasting(language: Language, span: TimeSpan) -> String {
    let seconds = u64::try_from(span.whole_seconds()).unwrap_or(0);
    let (key, count) = match seconds {
        0..60 => ("lasting-a-moment", 0),
        60..3600 => ("lasting-minutes", seconds / 60),
        3600..86_400 => ("lasting-hours", seconds / 3600),
        _ => ("lasting-days", seconds / 86_400),
    };
    say(language, key, &[("n", Arg::Number(count))])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::admission::Denial;
    use crate::domain::transfer::Interruption;

    fn keys(sources: &[&str]) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for source in sources {
            if let Err((_, errors)) = FluentResource::try_new((*source).to_owned()) {
                panic!("a message can't be read: {errors:?}");
            }
            for line in source.lines() {
                if let Some((key, _)) = line.split_once(" =")
                    && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                    && !key.is_empty()
                {
                    assert!(keys.insert(key.to_owned()), "{key} twice");
                }
            }
        }
        keys
    }

    #[test]
    fn every_kind_of_mail_has_a_name() {
        let keys = keys(ENGLISH);
        let kinds: Vec<&str> =
            keys.iter().filter_map(|key| key.strip_prefix("mail-")?.strip_suffix("-subject")).collect();
        assert!(kinds.contains(&"project-invitation"), "{kinds:?}");
        for kind in kinds {
            assert!(keys.contains(&format!("mail-kind-{kind}")), "{kind}");
        }
    }

    #[test]
    fn both_languages_say_everything() {
        let (english, chinese) = (keys(ENGLISH), keys(CHINESE));
        assert_eq!(english.difference(&chinese).collect::<Vec<_>>(), Vec::<&String>::new(), "only in English");
        assert_eq!(chinese.difference(&english).collect::<Vec<_>>(), Vec::<&String>::new(), "only in Chinese");
    }

    #[test]
    fn every_message_that_is_asked_for_is_there() {
        let known = keys(ENGLISH);
        let mut asked = BTreeSet::new();
        for folder in ["src", "templates"] {
            let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            for entry in walkdir::WalkDir::new(root).into_iter().filter_map(Result::ok) {
                let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
                for call in [
                    ".text(\"",
                    ".text_with(\"",
                    ".text_with_two(\"",
                    ".count_text(\"",
                    ".text_with_time(\"",
                    "=> \"refusal-",
                    "=> \"problem-",
                    "=> \"review-",
                    "=> \"request-heading-",
                    "titled(&viewer, Section::Admin, \"",
                    "titled(&viewer, Section::Nowhere, \"",
                ] {
                    let found = text.match_indices(call).map(|(at, _)| {
                        let start = at + call.find('"').unwrap_or(0) + 1;
                        text[start..].split('"').next().unwrap_or_default().to_owned()
                    });
                    asked.extend(found.filter(|key| key.contains('-') && !key.contains('{')));
                }
            }
        }
        for action in crate::domain::event::Action::ALL {
            asked.extend(["action", "said"].map(|kind| format!("{kind}-{}", action.message_part())));
        }
        let ends = Interruption::ALL.into_iter().chain(Denial::ALL.map(Interruption::AccessEnded));
        asked.extend(ends.map(|reason| format!("interrupted-{}", reason.as_str())));
        assert!(asked.len() > 200, "{}", asked.len());
        assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn numbers_and_sizes() {
        assert_eq!(separated(112_120), "112,120");
        assert_eq!(separated(7), "7");
        for (bytes, shown) in [
            (999, "999 B"),
            (1000, "1.0 KB"),
            (92_416, "92 KB"),
            (7_861_727, "7.9 MB"),
            (999_949, "1000 KB"),
            (45_100_000_000, "45 GB"),
            (2_000_000_000, "2.0 GB"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }

    #[test]
    fn dates() {
        let at = Timestamp::parse("2026-11-24T09:41:00Z").unwrap();
        assert_eq!(date(Language::English, at), "24 November 2026");
        assert_eq!(date_time(Language::TraditionalChinese, at), "2026年11月24日 09:41 UTC");
    }
}
