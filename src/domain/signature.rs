//! The signature record: who signed exactly what, when, and from where.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::form::Answers;
use super::ids::{FormVersionId, PersonId, ProjectId, RequestId, SignatureId, VersionId};
use super::person::AuthMethod;
use super::text::{Language, Sha256, Slug};

/// Everything that a signature binds. Its JSON is what the receipt carries and, in parts, what the log commits to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignatureRecord {
    /// The signature's id.
    pub id: SignatureId,
    /// The dataset asked for.
    pub dataset: Slug,
    /// The project it was made for, if it was made for one; its words are among what the log holds only a hash of.
    pub project: Option<ProjectId>,
    /// The access request it was made for.
    pub request: RequestId,
    /// The text that was signed; public in the log.
    pub agreement: SignedText,
    /// The form whose answers are bound, if there was one; public in the log.
    pub form: Option<AnsweredForm>,
    /// The signer; the log holds only a salted hash of this.
    pub signer: Signer,
    /// The time of signing, in UTC.
    pub signed_at: Timestamp,
}

/// The text that was signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedText {
    /// The agreement's slug.
    pub slug: Slug,
    /// The version's id.
    pub version_id: VersionId,
    /// The version's number.
    pub version: u32,
    /// The language of the text that was shown.
    pub language: Language,
    /// The SHA-256 hash of the exact text that was shown.
    pub text_sha256: Sha256,
    /// The acknowledgement, in the exact words.
    pub statement: String,
    /// The consent to sign electronically, in the exact words.
    pub consent: String,
}

/// The form that was filled in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnsweredForm {
    /// The form's slug.
    pub slug: Slug,
    /// The version's id.
    pub version_id: FormVersionId,
    /// The version's number.
    pub version: u32,
}

/// The person who signed, how they were authenticated, and their client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signer {
    /// The account.
    pub person: PersonId,
    /// The full name as typed on the signature line.
    pub typed_name: String,
    /// The account's name.
    pub name: String,
    /// The account's address.
    pub email: String,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// The account's institution.
    pub affiliation: Option<String>,
    /// The project's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_title: Option<String>,
    /// The project's purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_purpose: Option<String>,
    /// The answers.
    pub answers: Answers,
    /// IP address.
    pub ip: String,
    /// User agent.
    pub user_agent: String,
    /// How the signer was authenticated.
    pub authenticated_by: AuthMethod,
    /// When the signer was authenticated.
    pub authenticated_at: Timestamp,
}

impl Signer {
    /// Empties everything that says who it was.
    pub fn erase(&mut self) {
        for text in [&mut self.typed_name, &mut self.name, &mut self.email, &mut self.ip, &mut self.user_agent] {
            text.clear();
        }
        self.affiliation = None;
        (self.project_title, self.project_purpose) = (None, None);
        self.answers.clear();
    }

    /// Whether it was erased.
    pub fn is_erased(&self) -> bool {
        self.typed_name.is_empty()
    }
}
