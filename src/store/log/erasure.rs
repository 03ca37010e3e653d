//! Erasing a person: what is personal goes from the events by or about them, wherever these are.
//!
//! New revisions of archived files are written first, which may take a while; putting them in place is one transaction
//! with everything else, and with the event that says so.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::archive_files::{ArchiveFile, Location, LogArchive, Writer, WrittenFile};
use super::blocks::{BlockRow, first_unarchived};
use super::packing::pack;
use super::search::{BLOCKS_PER_READ, Blocks, Filter};
use super::verification::Page;
use crate::domain::ids::PersonId;
use crate::log::verify::inspect;
use crate::store::columns::signed;
use crate::store::connection::AnyConnection;
use crate::store::error::{Error, Result, corrupt};
use crate::store::schema::event_blocks;

/// New revisions of archived files, without a person's personal parts.
#[derive(Debug)]
pub struct Erasure {
    person: Filter,
    /// The first event that was not archived.
    unarchived: Option<i64>,
    revisions: Vec<Revision>,
}

#[derive(Debug)]
struct Revision {
    old: ArchiveFile,
    new: WrittenFile,
    /// The first event of each block, with its old and new location.
    moves: Vec<(i64, Location, Location)>,
    /// The events whose personal part is gone.
    erased: Vec<u64>,
}

impl Erasure {
    /// Writes the new revisions. The archive must be locked until they are in place, or given up.
    ///
    /// # Errors
    /// When the database fails, or a file can't be read or written.
    pub fn prepare(conn: &mut AnyConnection, archive: &LogArchive, person: PersonId) -> Result<Self> {
        let person = Filter { person: Some(person), ..Filter::default() };
        let unarchived = first_unarchived(conn)?;
        let mut files = BTreeSet::new();
        let mut blocks = Blocks::oldest_first(&person, 0, unarchived.unwrap_or(i64::MAX));
        while let Some(page) = blocks.next(conn, BLOCKS_PER_READ)? {
            files.extend(page.iter().filter_map(BlockRow::archive_location).map(|location| location.file));
        }
        let mut revisions = Vec::new();
        for file in files {
            revisions.extend(revision(conn, archive, &person, file)?);
        }
        Ok(Self { person, unarchived, revisions })
    }

    /// The files that were written.
    pub fn written(&self) -> impl Iterator<Item = &WrittenFile> {
        self.revisions.iter().map(|revision| &revision.new)
    }

    /// Deletes the personal parts; says of which events. Superseded revisions of files are removed later by [`super::sweep`].
    ///
    /// # Errors
    /// When the database fails, or events were archived meanwhile.
    pub fn carry_out(&self, conn: &mut AnyConnection) -> Result<Vec<u64>> {
        let changed = |what: String| Error::Archive(what, std::io::Error::other("was changed meanwhile; try again"));
        conn.enable_secure_delete()?;
        if first_unarchived(conn)? != self.unarchived {
            return Err(changed("the first event that is not in it".into()));
        }
        let mut erased = Vec::new();
        for revision in &self.revisions {
            for (first, old, new) in &revision.moves {
                let row = event_blocks::table.find(first).filter(event_blocks::bodies.eq(old.to_bytes()));
                let moved = diesel::update(row).set(event_blocks::bodies.eq(new.to_bytes())).execute(conn)?;
                if moved != 1 {
                    return Err(changed(revision.old.to_string()));
                }
            }
            erased.extend(&revision.erased);
        }
        self.erase_unarchived(conn, &mut erased)?;
        Ok(erased)
    }

    fn erase_unarchived(&self, conn: &mut AnyConnection, erased: &mut Vec<u64>) -> Result<()> {
        let mut blocks = Blocks::oldest_first(&self.person, self.unarchived.unwrap_or(0), i64::MAX);
        while let Some(page) = blocks.next(conn, BLOCKS_PER_READ)? {
            for row in page {
                let block = row.unpack()?;
                let mut lines: Vec<&str> = block.private.split('\n').collect();
                let before = erased.len();
                for (line, event) in lines.iter_mut().zip(block.events()) {
                    if !line.is_empty() && self.person.finds(&event.fields) {
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

/// Writes the next revision of a file, without a person's personal parts; `None` when it has none.
fn revision(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    person: &Filter,
    file: ArchiveFile,
) -> Result<Option<Revision>> {
    let page = Page::read(conn, archive, file.first(), file.last().saturating_add(1))?;
    let (mut moves, mut erased) = (Vec::new(), Vec::new());
    let mut writer = Writer::create(archive, file.next_revision())?;
    for number in page.numbers() {
        let mut block = page.block(number)?;
        // What is damaged can still be put back from a backup, while the rows lead to this file.
        inspect(&block).mismatch.map_or(Ok(()), Err)?;
        let first = signed(block.first);
        let old = page.location(number).filter(|location| location.file == file);
        let old = old.ok_or_else(|| corrupt("archived events", format!("event {first} is not in {file}")))?;
        let before = erased.len();
        for event in &mut block.events {
            if person.finds(&event.fields) && event.private.take().is_some() {
                erased.push(event.index);
            }
        }
        let is_changed = erased.len() > before;
        let new = if is_changed { writer.add(&block.events)? } else { writer.copy(archive, old)? };
        moves.push((first, old, new));
    }
    if erased.is_empty() {
        // What was begun is swept.
        return Ok(None);
    }
    Ok(Some(Revision { old: file, new: writer.finish()?, moves, erased }))
}
