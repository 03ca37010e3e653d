//! Browsers that have signed in to an account before. Tries to sign in from them are counted apart, so that nobody can lock
//! an account's owner out by trying from elsewhere.

use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;

use super::session::{KNOWN, cookie};
use super::viewer::Viewer;
use crate::app::App;
use crate::domain::text::Email;
use crate::identity::secrets;

/// Accounts that one browser is known for at most; the oldest is forgotten.
const ACCOUNTS: usize = 4;

/// Whether the viewer's browser has signed in to this account before.
pub fn is_known_browser(app: &App, viewer: &Viewer, email: &Email) -> bool {
    let own = app.keys.known_browser_tag(email);
    viewer.known_accounts().any(|tag| secrets::same(tag, &own))
}

/// The cookie that makes the viewer's browser known for this account.
pub fn known_browser_cookie(app: &App, viewer: &Viewer, email: &Email) -> Cookie<'static> {
    let own = app.keys.known_browser_tag(email);
    let others = viewer.known_accounts().filter(|tag| *tag != own).take(ACCOUNTS - 1);
    let tags: Vec<&str> = std::iter::once(own.as_str()).chain(others).collect();
    let mut cookie = cookie(KNOWN, tags.join("."), app.config.is_https());
    cookie.set_max_age(Duration::days(365));
    cookie
}
