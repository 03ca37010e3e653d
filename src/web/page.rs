//! What every page has: the layout's fields, words, and how times and numbers are shown.

use std::fmt::Display;
use std::sync::Arc;

use super::assets;
use crate::clock;
use crate::config::Site;
use crate::domain::access_request::Stage;
use crate::domain::access_request::deadlines::is_overdue;
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Sha256};
use crate::domain::{TimeSpan, Timestamp};
use crate::escape;
use crate::l10n::{self, Arg};

/// Which part of the site a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// What waits for the reader.
    Today,
    /// The catalogue.
    Catalogue,
    /// My requests.
    Projects,
    /// Review.
    Review,
    /// What organisations hold.
    Manage,
    /// Administration.
    Admin,
    /// My account.
    Account,
    /// None of these.
    Nowhere,
}

/// Who is signed in, as the layout shows it.
#[derive(Clone, Debug)]
pub struct SignedInUser {
    /// Their name.
    pub name: String,
    /// Whether they see what waits for a decision.
    pub reviewer: bool,
    /// Whether they see what organisations hold.
    pub manager: bool,
    /// Whether they are invited to run an organisation.
    pub invited: bool,
    /// Whether they may read everything.
    pub auditor: bool,
    /// Whether they administer the gateway.
    pub administrator: bool,
    /// Whether they administer or audit.
    pub overseer: bool,
    /// Whether their address is verified.
    pub verified: bool,
}

/// An area of a part of the site.
#[derive(Clone, Copy, Debug)]
pub struct Tab {
    /// Its address.
    pub href: &'static str,
    /// The message that names it.
    pub label: &'static str,
    /// Whether the page belongs to it.
    pub is_current: bool,
}

/// What can be counted; templates pass numbers by reference.
pub trait Count {
    /// How many.
    fn count(&self) -> u64;
}

impl Count for usize {
    fn count(&self) -> u64 {
        *self as u64
    }
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl Count for u32 {
    fn count(&self) -> u64 {
        u64::from(*self)
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> u64 {
        (*self).count()
    }
}

/// What the layout needs, and a page's words.
#[derive(Clone, Debug)]
pub struct Page {
    /// The language.
    pub language: Language,
    /// The title, without the site's name.
    pub title: String,
    /// Which part of the site.
    pub section: Section,
    /// Who is signed in.
    pub user: Option<SignedInUser>,
    /// Requests that wait for this reviewer.
    pub waiting: u64,
    /// What every form carries.
    pub form_token: String,
    /// The present path and query.
    pub path: String,
    /// What was searched for.
    pub query: String,
    /// Events in the log.
    pub log_size: u64,
    /// Whether there are several organisations: where there is one, no page speaks of them.
    pub several_organisations: bool,
    /// What was just done.
    pub notice: Option<String>,
    /// Who runs the gateway.
    pub site: Arc<Site>,
    /// How the page presents itself to search engines and to those who share it, where it is public.
    pub public: Option<PublicFace>,
}

/// A public page as others see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicFace {
    /// Its one address, whatever led to it.
    pub canonical: String,
    /// What it is about, in a sentence or two.
    pub description: String,
    /// What it describes, as JSON-LD for a script element.
    pub data: Option<String>,
    /// The address of a feed of what changes on it.
    pub feed: Option<String>,
}

impl PublicFace {
    /// A page at this address.
    pub fn new(canonical: String, description: &str) -> Self {
        Self { canonical, description: description.chars().take(300).collect(), data: None, feed: None }
    }

    /// With a feed of what changes on it.
    #[must_use]
    pub fn with_feed(mut self, address: String) -> Self {
        self.feed = Some(address);
        self
    }

    /// With what it describes.
    #[must_use]
    pub fn describing(mut self, data: &serde_json::Value) -> Self {
        // Nothing in it may end the element that it stands in.
        self.data = Some(data.to_string().replace('<', "\\u003c"));
        self
    }
}

/// Keeps the place of an element in a message: a character that is in no text (Unicode calls it a noncharacter).
const PLACE: &str = "\u{fdd0}";

/// A message as HTML, with an element in the place that was kept.
fn with_element(message: &str, element: &str) -> String {
    escape::html(message).replacen(PLACE, element, 1)
}

/// A name as an element that keeps its direction to itself (Unicode Standard Annex #9).
fn isolated(name: &str) -> String {
    format!("<bdi>{}</bdi>", escape::html(name))
}

impl Page {
    /// With this title.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// With the message `notice-…` about what was just done; unknown ones are left out.
    #[must_use]
    pub fn with_notice(mut self, notice: Option<&str>) -> Self {
        let key = notice.map(|notice| format!("notice-{notice}"));
        self.notice = key.filter(|key| l10n::has(self.language, key)).map(|key| self.text(&key));
        self
    }

    /// With its face to search engines and to those who share it.
    #[must_use]
    pub fn with_public_face(mut self, face: PublicFace) -> Self {
        self.public = Some(face);
        self
    }

    /// What the site is called: by those who run it, or by what it is.
    pub fn site_name(&self) -> &str {
        self.site.name.as_deref().unwrap_or("Countersign")
    }

    /// What was typed, as HTML for the value of a field: exactly, so that it comes back as it went.
    pub fn exact(&self, typed: impl AsRef<str>) -> String {
        escape::exact_html(typed.as_ref())
    }

    /// A message.
    pub fn text(&self, key: impl AsRef<str>) -> String {
        l10n::say(self.language, key.as_ref(), &[])
    }

    /// A message with a name in it, as HTML: the name's direction leaves that of the sentence as it is.
    pub fn naming(&self, key: impl AsRef<str>, name: &str, value: &str) -> String {
        with_element(&self.text_with(key, name, PLACE), &isolated(value))
    }

    /// A message with a name and another value in it, as HTML.
    pub fn naming_with(&self, key: impl AsRef<str>, name: &str, value: &str, name2: &str, value2: &str) -> String {
        with_element(&self.text_with_two(key, name, PLACE, name2, value2), &isolated(value))
    }

    /// A message with a value in it.
    pub fn text_with(&self, key: impl AsRef<str>, name: &str, value: impl Display) -> String {
        l10n::say(self.language, key.as_ref(), &[(name, Arg::Text(&value.to_string()))])
    }

    /// A message with two values in it.
    pub fn text_with_two(
        &self,
        key: impl AsRef<str>,
        name: &str,
        value: impl Display,
        name2: &str,
        value2: impl Display,
    ) -> String {
        let (value, value2) = (value.to_string(), value2.to_string());
        l10n::say(self.language, key.as_ref(), &[(name, Arg::Text(&value)), (name2, Arg::Text(&value2))])
    }

    /// A message with the number `n` in it.
    pub fn count_text(&self, key: impl AsRef<str>, n: impl Count) -> String {
        l10n::say(self.language, key.as_ref(), &[("n", Arg::Number(n.count()))])
    }

    /// A message about a number, with another value in it.
    pub fn count_text_with(&self, key: impl AsRef<str>, n: impl Count, (name, value): (&str, &str)) -> String {
        l10n::say(self.language, key.as_ref(), &[("n", Arg::Number(n.count())), (name, Arg::Text(value))])
    }

    /// A text in the reader's language, or in the one there is.
    pub fn localised<'a>(&self, text: &'a Localised) -> &'a str {
        text.text(self.language)
    }

    /// The BCP 47 tag of what [`Self::localised`] gives.
    pub fn tag(&self, text: &Localised) -> &'static str {
        text.tag(self.language)
    }

    /// A time as an element: in UTC, which the script turns into the reader's zone.
    pub fn time(&self, at: &Timestamp) -> String {
        let shown = l10n::date_time(self.language, *at);
        let seconds = Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
        let exact = format!("{}Z", seconds.split('.').next().unwrap_or_default());
        // Nothing here comes from outside: digits, dashes and our own words.
        format!("<time datetime=\"{exact}\" title=\"{exact}\">{shown}</time>")
    }

    /// A message with a time in it, as HTML: the message is escaped, the time is an element.
    pub fn text_with_time(&self, key: impl AsRef<str>, name: &str, at: &Timestamp) -> String {
        with_element(&self.text_with(key, name, PLACE), &self.time(at))
    }

    /// A time as text, in UTC, which it says.
    pub fn time_text(&self, at: &Timestamp) -> String {
        l10n::date_time(self.language, *at)
    }

    /// A day as text.
    pub fn day_text(&self, at: &Timestamp) -> String {
        l10n::date(self.language, *at)
    }

    /// The last day of something that ends at a time, as text.
    pub fn last_day_text(&self, end: &Timestamp) -> String {
        l10n::last_day(self.language, *end)
    }

    /// The first bytes of a hash, in groups: enough to tell it from others by eye, as on a seal.
    pub fn short_hash(&self, hash: &Sha256) -> String {
        let hex = hash.to_string();
        format!("{} {} {}", &hex[..4], &hex[4..8], &hex[8..12])
    }

    /// How long ago, roughly.
    pub fn since(&self, at: &Timestamp) -> String {
        l10n::lasting(self.language, (clock::now() - *at).max(TimeSpan(0)))
    }

    /// Whether a request that waits was to be decided by now.
    pub fn is_overdue(&self, stage: &Stage, due_at: &Option<Timestamp>) -> bool {
        is_overdue(*stage, *due_at, clock::now())
    }

    /// A number with separators.
    pub fn number(&self, number: impl Count) -> String {
        l10n::separated(number.count())
    }

    /// Bytes.
    pub fn size(&self, bytes: impl Count) -> String {
        l10n::size(bytes.count())
    }

    /// All languages: tag, own name.
    #[expect(clippy::unused_self, reason = "templates call it beside the others")]
    pub fn languages(&self) -> [(&'static str, &'static str); Language::ALL.len()] {
        Language::ALL.map(|language| (language.tag(), language.own_name()))
    }

    /// The other languages: tag, own name.
    pub fn other_languages(&self) -> Vec<(&'static str, &'static str)> {
        let others = Language::ALL.into_iter().filter(|language| *language != self.language);
        others.map(|language| (language.tag(), language.own_name())).collect()
    }

    /// Whether the reader may read everything.
    pub fn is_auditor(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.auditor)
    }

    /// Whether the reader administers the gateway.
    pub fn is_administrator(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.administrator)
    }

    /// The areas of administration that the reader may see.
    pub fn admin_tabs(&self) -> Vec<Tab> {
        let mut tabs = vec![("/admin", "admin-title"), ("/admin/people", "admin-people")];
        if self.several_organisations {
            tabs.push(("/admin/organisations", "organisations-title"));
        }
        if self.is_auditor() {
            tabs.push(("/admin/audit", "audit-title"));
        }
        if self.is_administrator() {
            tabs.push(("/admin/mail", "admin-mail"));
        }
        self.tabs("/admin", tabs)
    }

    /// The areas of what organisations hold; none for somebody who is only invited.
    pub fn manage_tabs(&self) -> Vec<Tab> {
        if !self.user.as_ref().is_some_and(|user| user.manager) {
            return Vec::new();
        }
        let tabs = vec![
            ("/manage", "manage-datasets"),
            ("/manage/overview", "overview-title"),
            ("/manage/grants", "manage-grants"),
            ("/manage/agreements", "manage-agreements"),
            ("/manage/forms", "manage-forms"),
            ("/manage/committees", "manage-committees"),
            ("/manage/members", "manage-members"),
            ("/manage/about", "manage-about"),
        ];
        self.tabs("/manage", tabs)
    }

    fn tabs(&self, home: &str, tabs: Vec<(&'static str, &'static str)>) -> Vec<Tab> {
        let path = self.path.split('?').next().unwrap_or_default();
        // What belongs to no other area, such as a page about one row, belongs to the first.
        let path = path.replace("/new-", "/").replace("/holidays/", "/committees/");
        let is_at = |href: &str| path.starts_with(href.trim_end_matches('s'));
        let current = tabs.iter().map(|(href, _)| *href).filter(|href| *href != home).find(|href| is_at(href));
        let current = current.unwrap_or(home);
        tabs.into_iter().map(|(href, label)| Tab { href, label, is_current: href == current }).collect()
    }

    /// Where the switch to another language comes back to.
    pub fn path_encoded(&self) -> String {
        percent_encoding::utf8_percent_encode(&self.path, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    /// The stylesheet's address, which changes with it.
    pub fn style(&self) -> String {
        assets::address("style.css")
    }

    /// The script's address.
    pub fn script(&self) -> String {
        assets::address("script.js")
    }

    /// The font's address.
    pub fn font(&self) -> String {
        assets::address("source-serif-4.woff2")
    }
}
