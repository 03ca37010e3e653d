//! The states of requests and grants are those that ARCHITECTURE.md draws, and lead where it says.

use std::collections::BTreeSet;

use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::situations::any_situation;
use super::*;
use crate::domain::grant::GrantState;
use crate::domain::organisation::{Officer, OrganisationRole};

type Steps = BTreeSet<(String, String)>;

/// The steps that the map draws under a heading: a line each, `from → to`, and then what leads there.
fn drawn(heading: &str) -> Steps {
    let map = include_str!("../../../../ARCHITECTURE.md");
    let states = map.split("\n## States\n").nth(1).unwrap();
    let section = states.split(heading).nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let step = |line: &str| {
        let (from, rest) = line.split_once(" → ")?;
        Some((from.trim().to_owned(), rest.split_whitespace().next()?.to_owned()))
    };
    section.lines().filter_map(step).collect()
}

#[test]
fn requests_go_where_the_map_says() {
    let mut runner = TestRunner::deterministic();
    let wishes = (prop::sample::select(RequestAction::ALL.to_vec()), verdict());
    let situations = any_situation();
    let mut taken = Steps::new();
    for n in 0..40_000 {
        let situation = situations.new_tree(&mut runner).unwrap().current();
        let situation = if n % 3 == 0 { situation.of_applicant() } else { situation };
        let (action, verdict) = wishes.new_tree(&mut runner).unwrap().current();
        let round = situation.get().request.map_or(0, |request| request.round);
        let wish = Wish { verdict, ..Wish::well_formed(action, round) };
        let form = situation.form(wish.action);
        let Ok(changes) = decide(&situation.get(), &wish.command(&form), NOW) else { continue };
        let mut request = situation.get().request.cloned();
        for change in &changes {
            if let Change::Drafted { id } = change {
                taken.insert(("none".to_owned(), Stage::Draft.to_string()));
                request = Some(AccessRequest::draft(*id, Uuid::from_u128(200).into(), None, situation.get().actor.id));
            }
            let Some(request) = &mut request else { continue };
            let before = request.stage;
            request.apply(change);
            if request.stage != before {
                taken.insert((before.to_string(), request.stage.to_string()));
            }
        }
    }
    assert_eq!(taken, drawn("An access request;"));
}

#[test]
fn grants_go_where_the_map_says() {
    let mut runner = TestRunner::deterministic();
    let days = |days: i64| NOW + TimeSpan::days(days);
    let strategy = (1_i64..6, prop::option::of(1_i64..6), prop::collection::vec(0..5_u8, 1..8));
    let (steward, mut taken) = (person(1), Steps::new());
    for _ in 0..2_000 {
        let (length, sign_by, acts) = strategy.new_tree(&mut runner).unwrap().current();
        let mut grant = Grant {
            id: Uuid::from_u128(400).into(),
            person: id(7),
            dataset: Uuid::from_u128(200).into(),
            request: Uuid::from_u128(100).into(),
            project: None,
            starts_at: NOW,
            ends_at: days(length),
            sign_by: sign_by.map(days),
            last_release: None,
            suspended_at: None,
            revoked_at: None,
            is_shortened: false,
        };
        let officer = Officer { person: &steward, role: Some(OrganisationRole::Steward) };
        let (mut day, mut before) = (0, grant.state(NOW));
        assert_eq!(before, GrantState::Active);
        for act in acts {
            let now = days(day);
            match act {
                0 => day += 1,
                1 if grant.is_running(now) => grant.sign_by = None,
                2 if grant.decide_revoke(officer, now).is_ok() => grant.revoked_at = Some(now),
                3 if grant.decide_end_change(officer, days(day + 2), (None, &[]), now).is_ok() => {
                    grant.ends_at = days(day + 2);
                }
                4 => {
                    let to = grant.suspended_at.is_none();
                    if grant.decide_suspension_change(officer, (to, &[]), now) == Ok(true) {
                        grant.suspended_at = to.then_some(now);
                    }
                }
                _ => {}
            }
            let after = grant.state(days(day));
            if after != before {
                taken.insert((before.to_string(), after.to_string()));
            }
            before = after;
        }
    }
    assert_eq!(taken, drawn("A grant;"));
}
