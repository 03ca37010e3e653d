//! Erasing a person: what is personal goes from the events by or about them, wherever these are.
//!
//! New editions of archived files are written first, which may take a while; putting them in place is one transaction
//! with everything else, and with the event that says so.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::archive::{ArchiveFile, Location, LogArchive, Writer, Written};
use super::blocks::{first_unarchived, overwrite_what_is_deleted};
use super::packing::pack;
use super::search::{Blocks, Filter, PAGE};
use super::verification::Page;
use crate::log::verify::inspect;
use crate::store::schema::event_blocks;
use crate::store::{AnyConnection, Error, Result, corrupt, signed};

/// New editions of archived files, without a person's personal parts.
#[derive(Debug)]
pub struct Erasure {
    person: Filter,
    /// The first event that was not archived.
    unarchived: Option<i64>,
    editions: Vec<Edition>,
}

#[derive(Debug)]
struct Edition {
    old: ArchiveFile,
    new: Written,
    /// The blocks: where each was and is.
    moves: Vec<(i64, Location, Location)>,
    /// The events whose personal part is gone.
    erased: Vec<u64>,
}

impl Erasure {
    /// Writes the new editions. The archive must be locked until they are in place, or given up.
    ///
    /// # Errors
    /// When the database fails, or a file can't be read or written.
    pub fn prepare(conn: &mut AnyConnection, archive: &LogArchive, person: &str) -> Result<Self> {
        let person = Filter { person: Some(person.to_owned()), ..Filter::default() };
        let unarchived = first_unarchived(conn)?;
        let mut concerned: BTreeMap<ArchiveFile, BTreeSet<i64>> = BTreeMap::new();
        let mut blocks = Blocks::oldest_first(&person, 0, unarchived.unwrap_or(i64::MAX));
        while let Some(page) = blocks.next(conn, PAGE)? {
            for row in page {
                let Some(location) = row.archived() else { continue };
                let block = row.open(archive)?;
                if block.events().any(|event| event.private.is_some() && person.finds(&event.facts)) {
                    concerned.entry(location.file).or_default().insert(row.first);
                }
            }
        }
        let editions = concerned.into_iter().map(|(file, blocks)| edition(conn, archive, &person, file, &blocks));
        let editions = editions.collect::<Result<_>>()?;
        Ok(Self { person, unarchived, editions })
    }

    /// The files that were written.
    pub fn written(&self) -> impl Iterator<Item = &Written> {
        self.editions.iter().map(|edition| &edition.new)
    }

    /// Deletes the personal parts; says of which events. Whose edition is in place no more is for [`super::sweep`].
    ///
    /// # Errors
    /// When the database fails, or events were archived meanwhile.
    pub fn carry_out(&self, conn: &mut AnyConnection) -> Result<Vec<u64>> {
        let changed = |what: String| Error::Archive(what, std::io::Error::other("was changed meanwhile; try again"));
        overwrite_what_is_deleted(conn)?;
        if first_unarchived(conn)? != self.unarchived {
            return Err(changed("the first event that is not in it".into()));
        }
        let mut erased = Vec::new();
        for edition in &self.editions {
            for (first, old, new) in &edition.moves {
                let row = event_blocks::table.find(first).filter(event_blocks::bodies.eq(old.to_bytes()));
                let moved = diesel::update(row).set(event_blocks::bodies.eq(new.to_bytes())).execute(conn)?;
                if moved != 1 {
                    return Err(changed(edition.old.to_string()));
                }
            }
            erased.extend(&edition.erased);
        }
        self.erase_unarchived(conn, &mut erased)?;
        Ok(erased)
    }

    fn erase_unarchived(&self, conn: &mut AnyConnection, erased: &mut Vec<u64>) -> Result<()> {
        let mut blocks = Blocks::oldest_first(&self.person, self.unarchived.unwrap_or(0), i64::MAX);
        while let Some(page) = blocks.next(conn, PAGE)? {
            for row in page {
                let block = row.unpack()?;
                let mut lines: Vec<&str> = block.private.split('\n').collect();
                let before = erased.len();
                for (line, event) in lines.iter_mut().zip(block.events()) {
                    if !line.is_empty() && self.person.finds(&event.facts) {
                        *line = "";
                        erased.push(event.index);
                    }
                }
                if erased.len() > before {
                    diesel::update(event_blocks::table.find(block.first))
                        .set(event_blocks::private.eq(pack(&lines.join("\n"))))
                        .execute(conn)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes the next edition of a file: some of its blocks without a person's personal parts, the others as they are.
fn edition(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    person: &Filter,
    file: ArchiveFile,
    concerned: &BTreeSet<i64>,
) -> Result<Edition> {
    let page = Page::read(conn, archive, file.first(), file.last().saturating_add(1))?;
    let (mut moves, mut erased) = (Vec::new(), Vec::new());
    let mut writer = Writer::create(archive, file.next_edition())?;
    for number in page.numbers() {
        let mut block = page.block(number)?;
        // What is damaged can still be put back from a backup, while the rows lead to this file.
        inspect(&block).problem.map_or(Ok(()), Err)?;
        let first = signed(block.first);
        let old = page.location(number).filter(|location| location.file == file);
        let old = old.ok_or_else(|| corrupt("archived events", format!("event {first} is not in {file}")))?;
        let new = if concerned.contains(&first) {
            for event in &mut block.events {
                if person.finds(&event.facts) && event.private.take().is_some() {
                    erased.push(event.index);
                }
            }
            writer.add(&block.events)?
        } else {
            writer.copy(archive, old)?
        };
        moves.push((first, old, new));
    }
    Ok(Edition { old: file, new: writer.finish(archive)?, moves, erased })
}
