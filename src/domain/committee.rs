//! Committees: named groups of an organisation that decide on access requests.

use super::Refusal;
use super::ids::{CommitteeId, OrganisationId, PersonId};
use super::localised::{Localised, LocalisedError};
use super::person::Person;
use super::text::{Email, Sha256, Slug, one_line};

/// A committee.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committee {
    /// Its id.
    pub id: CommitteeId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// Its name in addresses and files.
    pub slug: Slug,
    /// What it is called.
    pub name: Localised,
    /// The number of approvals needed.
    pub quorum: u32,
    /// Who decides, in ascending order.
    pub members: Vec<PersonId>,
}

impl Committee {
    /// What it is at this moment, for telling whether it was changed since.
    pub fn fingerprint(&self) -> Sha256 {
        let ids: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        let names: Vec<_> = self.name.0.iter().map(|(language, text)| format!("{}{text}", language.tag())).collect();
        Sha256::of(format!("{}\n{}\n{}", names.join("\n"), self.quorum, ids.join("\n")).as_bytes())
    }
}

/// The description of a committee, from a file or a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitteeDescription {
    /// Its name in addresses and files.
    pub slug: Slug,
    /// What it is called.
    pub name: Localised,
    /// The addresses of its members' accounts.
    pub members: Vec<Email>,
    /// The number of approvals needed.
    pub quorum: u32,
}

/// Why a committee can't be set up as described.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitteeError {
    /// A name that can't be taken.
    #[error("name: {0}")]
    Name(LocalisedError),
    /// The quorum is 0.
    #[error("quorum: must be at least 1")]
    NoQuorum,
    /// Fewer members than approvals needed.
    #[error("members: {0} approvals need at least as many members")]
    TooFewMembers(u32),
    /// The same member twice.
    #[error("members: {0} is there twice")]
    MemberTwice(Email),
    /// Too many members.
    #[error("members: a committee has up to {COMMITTEE_MAX}")]
    TooManyMembers,
}

/// How many members a committee may have.
pub const COMMITTEE_MAX: usize = 200;
/// The longest name, in characters.
pub const COMMITTEE_NAME_MAX: usize = 200;

/// A committee that may be set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCommittee(CommitteeDescription);

impl NewCommittee {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(mut description: CommitteeDescription) -> Result<Self, CommitteeError> {
        let name = description.name.parsed(|text| one_line(text, COMMITTEE_NAME_MAX));
        description.name = name.map_err(|error| CommitteeError::Name(error.into()))?;
        if description.name.is_empty() {
            return Err(CommitteeError::Name(LocalisedError::EMPTY));
        }
        let CommitteeDescription { members, quorum, .. } = &description;
        // First: what follows compares them with each other.
        if members.len() > COMMITTEE_MAX {
            return Err(CommitteeError::TooManyMembers);
        }
        for (n, member) in members.iter().enumerate() {
            if members[..n].iter().any(|earlier| earlier.key() == member.key()) {
                return Err(CommitteeError::MemberTwice(member.clone()));
            }
        }
        if *quorum == 0 {
            return Err(CommitteeError::NoQuorum);
        }
        if members.len() < *quorum as usize {
            return Err(CommitteeError::TooFewMembers(*quorum));
        }
        Ok(Self(description))
    }

    /// Its name in addresses and files.
    pub const fn slug(&self) -> &Slug {
        &self.0.slug
    }

    /// The addresses of its members' accounts.
    pub fn members(&self) -> &[Email] {
        &self.0.members
    }

    /// The committee that this becomes.
    pub fn set_up(&self, id: CommitteeId, organisation: OrganisationId, mut members: Vec<PersonId>) -> Committee {
        members.sort_unstable();
        let CommitteeDescription { slug, name, quorum, .. } = self.0.clone();
        Committee { id, organisation, slug, name, quorum, members }
    }
}

/// Whether this account may be a member of a committee. An unverified address might belong to somebody else.
///
/// # Errors
/// [`Refusal::ReviewerUnknown`] or [`Refusal::ReviewerUnverified`], with the member's place in the list.
pub fn check_reviewer(place: usize, found: Option<&Person>) -> Result<PersonId, Refusal> {
    let person = found.ok_or(Refusal::ReviewerUnknown(place))?;
    if person.email_verified_at.is_none() { Err(Refusal::ReviewerUnverified(place)) } else { Ok(person.id) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::text::Language;

    type Bend = fn(&mut CommitteeDescription);

    #[test]
    fn what_could_not_decide_is_not_set_up() {
        let description = CommitteeDescription {
            slug: "imaging".parse().unwrap(),
            name: Localised(BTreeMap::from([(Language::English, " Imaging ".to_owned())])),
            members: vec!["a@demo.example".parse().unwrap(), "b@demo.example".parse().unwrap()],
            quorum: 2,
        };
        let committee = NewCommittee::parse(description.clone()).unwrap();
        assert_eq!(committee.0.name.text(Language::English), "Imaging");
        let bends: [(&str, Bend); 5] = [
            ("name:", |d| d.name.0.clear()),
            ("quorum", |d| d.quorum = 0),
            ("members: 3 approvals", |d| d.quorum = 3),
            ("members: A@demo.example is there twice", |d| d.members.push("A@demo.example".parse().unwrap())),
            ("members: a committee has up to 200", |d| {
                d.members = (0..201).map(|n| format!("m{n}@demo.example").parse().unwrap()).collect();
            }),
        ];
        for (wanted, bend) in bends {
            let mut bent = description.clone();
            bend(&mut bent);
            let error = NewCommittee::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }
}
