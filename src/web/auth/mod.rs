//! Who is at the other end: a browser with a session, or a client with a token.

mod api_client;
mod attempts;
mod bearer;
mod caller;
mod known_browser;
mod origin;
mod refused_access;
mod session;
mod token_cache;
mod viewer;

pub use api_client::{ApiClient, ApiVisitor, NeedsScope, ScopedClient, scope};
pub use attempts::{PasswordCheck, check_password, count_try};
pub use bearer::token_in_query;
pub use caller::{Identified, identify};
pub use known_browser::{is_known_browser, known_browser_cookie};
pub use origin::{origin, wants_html};
pub use refused_access::{access_refusal, record_refusal, with_refusal};
pub use session::{SignedIn, language_cookie, no_session_cookie, session_cookie};
pub use token_cache::TokenCache;
pub use viewer::Viewer;
