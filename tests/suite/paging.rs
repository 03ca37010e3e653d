//! Lists are read in pages, and rows that share a time are neither lost nor shown twice between them.

use std::collections::{BTreeMap, BTreeSet};

use countersign::domain::access_request::Stage;
use countersign::domain::access_request::queue::QueueOrder;
use countersign::domain::access_request::reading::ReviewScope;
use countersign::domain::catalogue::Order;
use countersign::domain::comment::Reason;
use countersign::domain::dataset::{AccessMode, DatasetOrder, DatasetSelection, DatasetState, Retirement};
use countersign::domain::form::DraftAnswers;
use countersign::domain::grant::{GrantOrder, GrantSelection};
use countersign::domain::ids::{MailId, PersonId};
use countersign::domain::organisation::ManageScope;
use countersign::domain::origin::Origin;
use countersign::domain::person::Roles;
use countersign::domain::person_list::{PersonOrder, PersonSelection};
use countersign::domain::project::WantedProject;
use countersign::domain::search::Query;
use countersign::domain::text::{Language, Secret};
use countersign::domain::token::TokenRecord;
use countersign::domain::{TimeSpan, Timestamp};
use countersign::ledger::commands::access_requests::{save_draft, submit};
use countersign::ledger::commands::people::{NewAccount, create};
use countersign::ledger::commands::sessions::start;
use countersign::ledger::{Ledger, Tx};
use countersign::store::catalogue::CatalogueCache;
use countersign::store::dataset_lists::{self, DatasetQuery};
use countersign::store::grants::GrantQuery;
use countersign::store::people::PersonQuery;
use countersign::store::request_lists::of_person;
use countersign::store::review_queue::{QueueQuery, search as search_queue};
use countersign::store::{
    AnyConnection, Cursor, PageOf, ReadPool, Result, datasets, grants, mail, people, sessions, tokens,
};
use countersign::views::datasets::{Search, catalogue};
use diesel::connection::SimpleConnection;

use super::model::{World, in_ledger, publish, session_hash};

/// More than two pages.
const MANY: usize = 120;

/// Reads a list to its end, by cursors as clients see them; gives how often each row was shown.
fn walk<T: Send + 'static>(
    reads: &ReadPool,
    start: Cursor,
    read: impl Fn(&mut AnyConnection, &Cursor) -> Result<PageOf<T>>,
    id: impl Fn(&T) -> String,
) -> BTreeMap<String, usize> {
    let (mut shown, mut next) = (BTreeMap::new(), Some(start));
    while let Some(cursor) = next {
        let sent: Cursor = cursor.to_string().parse().unwrap();
        let page = reads.read_blocking(|conn| read(conn, &sent)).unwrap();
        assert!(page.rows.len() <= 50, "a page is short");
        for row in &page.rows {
            *shown.entry(id(row)).or_default() += 1;
        }
        next = page.next;
    }
    shown
}

fn check(list: &str, shown: &BTreeMap<String, usize>, rows: usize) {
    assert!(shown.values().all(|times| *times == 1), "{list}: each row once");
    assert_eq!(shown.len(), rows, "{list}: every row");
}

/// Makes accounts in one transaction, so that all have the same time.
fn accounts(tx: &mut Tx<'_>, prefix: &str) -> Vec<PersonId> {
    let account = |n: usize| NewAccount {
        email: format!("{prefix}{n}@crowd.example").parse().unwrap(),
        name: format!("{prefix} {n}").parse().unwrap(),
        affiliation: None,
        language: Language::English,
        password_hash: Secret::new("none"),
    };
    (0..MANY).map(|n| create(tx, &account(n), Roles::default()).unwrap()).collect()
}

fn crowd(ledger: &Ledger, prefix: &'static str) -> Vec<PersonId> {
    ledger.run_blocking(move |tx| Ok(accounts(tx, prefix))).unwrap()
}

/// The people of the crowd.
fn looked_for(order: PersonOrder, selection: PersonSelection) -> PersonQuery {
    PersonQuery { text: "crowd.example".into(), selection, order }
}

/// Reads a list to its end, first without a cursor, as pages do; gives its rows in order.
fn all_of<T: Send + 'static>(
    reads: &ReadPool,
    read: impl Fn(&mut AnyConnection, Option<&Cursor>) -> Result<PageOf<T>>,
) -> Vec<T> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = reads.read_blocking(|conn| read(conn, after.as_ref())).unwrap();
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        after = Some(next.to_string().parse().unwrap());
    }
}

/// People are found in either order, and in each selection those that the rule says, which are counted so.
fn people_in_any_order_and_selection(ledger: &Ledger, reads: &ReadPool) {
    // Some are administrators, some auditors, some suspended; two have the same name.
    ledger
        .run_blocking(|tx| {
            let all = people::search(tx.conn, &looked_for(PersonOrder::Newest, PersonSelection::All), None)?.rows;
            for (n, person) in all.iter().enumerate() {
                let mut person = person.clone();
                match n % 5 {
                    0 => person.administrator = true,
                    1 => person.auditor = true,
                    2 => person.suspended_at = Some(tx.now),
                    3 => person.email_verified_at = None,
                    _ => person.name = "Åsa Öberg".parse().unwrap(),
                }
                people::update(tx.conn, &person)?;
            }
            Ok(())
        })
        .unwrap();
    let found =
        |order, selection| all_of(reads, |conn, after| people::search(conn, &looked_for(order, selection), after));
    for order in PersonOrder::ALL {
        let mut ids: Vec<String> =
            found(order, PersonSelection::All).iter().map(|person| person.id.to_string()).collect();
        assert_eq!(ids.len(), MANY, "{order}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), MANY, "{order}: each once");
    }
    let everybody = found(PersonOrder::ByName, PersonSelection::All);
    assert_eq!(everybody[0].name.as_str(), "Åsa Öberg", "the letters decide, not their accents");
    let wanted = looked_for(PersonOrder::ByName, PersonSelection::All);
    for (selection, number) in reads.read_blocking(|conn| people::counts(conn, &wanted)).unwrap() {
        let rows = found(PersonOrder::ByName, selection);
        assert!(rows.iter().all(|person| selection.includes(person)), "{selection}");
        let by_rule = everybody.iter().filter(|person| selection.includes(person)).count();
        assert_eq!((rows.len(), rows.len() as u64), (by_rule, number), "{selection}");
        assert!(number > 0, "{selection}");
    }
}

#[test]
fn people_sessions_tokens_and_mail() {
    in_ledger(|ledger, reads| {
        let person = crowd(ledger, "lists")[0];
        let now = countersign::clock::now();
        ledger
            .run_blocking(move |tx| {
                let recipient = people::by_id(tx.conn, person)?.unwrap();
                for _ in 0..MANY {
                    start(tx, person, &Secret::new("none"), session_hash(), &Origin::default())?.unwrap();
                    let token = TokenRecord {
                        id: tx.id(),
                        person,
                        name: "one of many".into(),
                        details: Vec::new(),
                        scopes: Vec::new(),
                        issued_at: now,
                        expires_at: now + TimeSpan::days(7),
                        revoked_at: None,
                        last_used_at: None,
                    };
                    tokens::insert(tx.conn, &token)?;
                    let id: MailId = tx.id();
                    mail::insert(tx.conn, id, &recipient, "approved", "{}", now)?;
                }
                Ok(())
            })
            .unwrap();
        let found = walk(
            reads,
            Cursor::newest(),
            |conn, after| sessions::of_person(conn, person, now, after),
            |session| session.token_hash.to_string(),
        );
        check("sessions", &found, MANY);
        let found = walk(
            reads,
            Cursor::newest(),
            |conn, after| tokens::of_person(conn, person, Timestamp(0), after),
            |token| token.id.to_string(),
        );
        check("tokens", &found, MANY);
        let found = walk(reads, Cursor::newest(), mail::list, |mail| mail.id.to_string());
        check("mail", &found, MANY);
        people_in_any_order_and_selection(ledger, reads);
    });
}

/// The grants of the crowd.
fn of_crowd(order: GrantOrder, selection: GrantSelection) -> GrantQuery {
    let (scope, text, now) = (ManageScope::Everything, "crowd.example".into(), countersign::clock::now());
    GrantQuery { scope, text, selection, order, now }
}

/// Grants are found in either order, and in each state those that the rule says, which are counted so.
fn grants_in_any_order_and_state(ledger: &Ledger, reads: &ReadPool) {
    for (order, start) in [(GrantOrder::Newest, Cursor::newest()), (GrantOrder::EndingFirst, Cursor::first())] {
        let granted = walk(
            reads,
            start,
            |conn, after| grants::search(conn, &of_crowd(order, GrantSelection::All), Some(after)),
            |line| line.grant.id.to_string(),
        );
        check(&format!("grants, {order}"), &granted, MANY);
    }
    // Some run on, some end soon, ended, are revoked, are suspended, or have stopped because there is something to sign.
    ledger
        .run_blocking(|tx| {
            let all = grants::search(tx.conn, &of_crowd(GrantOrder::Newest, GrantSelection::All), None)?.rows;
            for (n, line) in all.iter().enumerate() {
                let (id, now) = (line.grant.id, tx.now);
                match n % 6 {
                    1 => grants::end(tx.conn, id, now + TimeSpan::days(3))?,
                    2 => grants::end(tx.conn, id, now)?,
                    3 => grants::revoke(tx.conn, id, now, "x")?,
                    4 => {
                        let stop = format!("UPDATE grants SET sign_by = {} WHERE id = '{id}'", now.0);
                        tx.conn.batch_execute(&stop).unwrap();
                    }
                    5 => grants::set_suspended(tx.conn, id, Some(now))?,
                    _ => {}
                }
            }
            Ok(())
        })
        .unwrap();
    let counts = reads.read_blocking(|conn| {
        let everything = of_crowd(GrantOrder::Newest, GrantSelection::All);
        Ok((everything.now, grants::counts(conn, &everything)?))
    });
    let (now, counts) = counts.unwrap();
    for (selection, number) in counts {
        let found = walk(
            reads,
            Cursor::newest(),
            |conn, after| {
                let wanted = GrantQuery { now, ..of_crowd(GrantOrder::Newest, selection) };
                let found = grants::search(conn, &wanted, Some(after))?;
                assert!(found.rows.iter().all(|line| selection.includes(&line.grant, now)), "{selection}");
                Ok(found)
            },
            |line| line.grant.id.to_string(),
        );
        assert_eq!(found.len() as u64, number, "{selection}");
        assert!(number > 0, "{selection}");
    }
}

/// Datasets are found in either order, and in each state those that the rule says, which are counted so.
fn datasets_in_any_order_and_state(ledger: &Ledger, reads: &ReadPool) {
    let slugs: Vec<_> = (0..MANY).map(|_| publish(ledger, AccessMode::Agreement, 1, &[])).collect();
    ledger
        .run_blocking(move |tx| {
            for (n, slug) in slugs.iter().enumerate() {
                let id = datasets::any_by_slug(tx.conn, slug)?.unwrap().id;
                let retirement = Retirement { at: tx.now, reason: Reason::parse("x").unwrap() };
                if n % 3 == 1 {
                    datasets::set_suspended(tx.conn, id, Some(tx.now))?;
                }
                if n % 2 == 1 {
                    datasets::set_retired(tx.conn, id, Some(&retirement))?;
                }
            }
            Ok(())
        })
        .unwrap();
    let wanted =
        |selection, order| DatasetQuery { scope: ManageScope::Everything, text: String::new(), selection, order };
    let found =
        |selection, order| all_of(reads, |conn, after| dataset_lists::search(conn, &wanted(selection, order), after));
    let everything = found(DatasetSelection::All, DatasetOrder::Catalogue);
    let fitting = |selection: DatasetSelection| everything.iter().filter(|dataset| selection.includes(dataset)).count();
    for order in DatasetOrder::ALL {
        let everything = wanted(DatasetSelection::All, order);
        for (selection, number) in reads.read_blocking(|conn| dataset_lists::counts(conn, &everything)).unwrap() {
            let rows = found(selection, order);
            assert!(rows.iter().all(|dataset| selection.includes(dataset)), "{selection}, {order}");
            assert_eq!(rows.len(), fitting(selection), "{selection}, {order}");
            let ids: BTreeSet<_> = rows.iter().map(|dataset| dataset.id).collect();
            assert_eq!((ids.len(), rows.len() as u64), (rows.len(), number), "{selection}, {order}");
        }
    }
    for state in [DatasetState::Published, DatasetState::Suspended, DatasetState::Retired] {
        assert!(everything.iter().any(|dataset| dataset.state() == state), "{state}");
    }
}

#[test]
fn requests_grants_and_datasets() {
    in_ledger(|ledger, reads| {
        let people = crowd(ledger, "requests");
        let (signed, reviewed) =
            (World::new(ledger, AccessMode::Agreement, 1), World::new(ledger, AccessMode::Approval, 1));
        let submissions: Vec<_> = people
            .iter()
            .flat_map(|person| [&signed, &reviewed].map(|world| (world.submission(0), *person)))
            .map(|(mut submission, person)| {
                submission.person = person;
                submission
            })
            .collect();
        ledger
            .run_blocking(move |tx| {
                for submission in &submissions {
                    submit(tx, submission)?;
                }
                Ok(())
            })
            .unwrap();
        let reviewer = reviewed.people[1];
        for (order, start) in [(QueueOrder::Usual, Cursor::first()), (QueueOrder::Reversed, Cursor::newest())] {
            for scope in [ReviewScope::Everything, ReviewScope::Decider(reviewer)] {
                let wanted =
                    QueueQuery { scope, order, ..QueueQuery::waiting_for(reviewer, countersign::clock::now()) };
                let queue = walk(
                    reads,
                    start.clone(),
                    |conn, after| search_queue(conn, &wanted, Some(after)),
                    |line| line.id.to_string(),
                );
                check(&format!("the queue, {order}, {scope:?}"), &queue, MANY);
            }
        }
        grants_in_any_order_and_state(ledger, reads);
        // One person with a draft for each of many datasets, all in one place of the catalogue.
        let slugs: Vec<_> = (0..MANY).map(|_| publish(ledger, AccessMode::Agreement, 1, &[])).collect();
        let person = people[0];
        ledger
            .run_blocking(move |tx| {
                for slug in &slugs {
                    save_draft(tx, person, (slug, WantedProject::Latest), &DraftAnswers::default())?;
                }
                Ok(())
            })
            .unwrap();
        let own =
            walk(reads, Cursor::newest(), |conn, after| of_person(conn, person, after), |line| line.id.to_string());
        check("a person's requests", &own, MANY + 2);
        let cache = CatalogueCache::default();
        for order in Order::ALL {
            for words in ["", "data"] {
                let search = Search { query: Query::parse(words), order, ..Search::default() };
                let page = |conn: &mut _, after: &Cursor| {
                    catalogue(conn, &cache, &search, (Some(person), after), countersign::clock::now())
                };
                let found = walk(
                    reads,
                    Cursor::first(),
                    |conn, after| page(conn, after).map(|page| PageOf { rows: page.found, next: page.next }),
                    |found| found.dataset.slug.to_string(),
                );
                check(&format!("datasets by {order} for {words:?}"), &found, MANY + 2);
                let first = reads.read_blocking(|conn| page(conn, &Cursor::first())).unwrap();
                assert_eq!((first.matching, first.total), ((MANY + 2) as u64, (MANY + 2) as u64));
            }
        }
        let drafts = reads.read_blocking(|conn| of_person(conn, person, &Cursor::newest())).unwrap();
        assert!(drafts.rows.iter().all(|line| line.stage == Stage::Draft), "the newest come first");
        datasets_in_any_order_and_state(ledger, reads);
    });
}
