//! The tree of the log in the database: hash tiles as C2SP `tlog-tiles` has them.
//!
//! A tile holds 256 hashes: of leaves at level 0, of full tiles of the level below above that. Full tiles are written
//! once; the leaves after the last one are the hashes of the last events.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::blocks::first_of_block;
use super::head_row::{head_row, size};
use super::packing::unpack;
use crate::domain::text::Sha256;
use crate::log::merkle::{Frontier, leaf_hash, root_of};
use crate::store::columns::{signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::{Result, corrupt};
use crate::store::schema::{event_blocks, log_tiles};

/// The number of hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// The leaf hashes from one event to before another.
pub(super) fn leaves(conn: &mut AnyConnection, from: u64, to: u64) -> Result<Vec<Sha256>> {
    let low = first_of_block(conn, signed(from))?.unwrap_or(0);
    let rows: Vec<(i64, Vec<u8>)> = event_blocks::table
        .filter(event_blocks::first.ge(low).and(event_blocks::first.lt(signed(to))))
        .order(event_blocks::first)
        .select((event_blocks::first, event_blocks::bodies))
        .load(conn)?;
    let unpacked = rows.iter().map(|(first, bodies)| Ok((*first, unpack(bodies)?)));
    let blocks = unpacked.collect::<Result<Vec<(i64, String)>>>()?;
    let leaves = blocks.iter().flat_map(|(first, bodies)| (unsigned(*first)..).zip(bodies.split('\n')));
    let wanted = leaves.filter(|(index, _)| (from..to).contains(index));
    Ok(wanted.map(|(_, body)| leaf_hash(body.as_bytes())).collect())
}

fn split_hashes(bytes: &[u8]) -> Result<Vec<Sha256>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(corrupt("hash tile", "its length"));
    }
    Ok(hashes.iter().map(|hash| Sha256(*hash)).collect())
}

fn join_hashes(hashes: &[Sha256]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

pub(super) fn write_tile(conn: &mut AnyConnection, level: i32, n: u64, hashes: &[Sha256]) -> Result<()> {
    diesel::insert_into(log_tiles::table)
        .values((
            log_tiles::level.eq(level),
            log_tiles::n.eq(signed(n)),
            log_tiles::hashes.eq(join_hashes(hashes)),
            log_tiles::root.eq(root_of(hashes).0.to_vec()),
        ))
        .execute(conn)?;
    if (n + 1).is_multiple_of(TILE_WIDTH) {
        let above = n / TILE_WIDTH;
        let roots = tile_roots(conn, level, above * TILE_WIDTH, TILE_WIDTH)?;
        write_tile(conn, level + 1, above, &roots)?;
    }
    Ok(())
}

fn tile_roots(conn: &mut AnyConnection, level: i32, from: u64, limit: u64) -> Result<Vec<Sha256>> {
    let roots: Vec<Vec<u8>> = log_tiles::table
        .filter(log_tiles::level.eq(level))
        .filter(log_tiles::n.ge(signed(from)))
        .filter(log_tiles::n.lt(signed(from + limit)))
        .order(log_tiles::n)
        .select(log_tiles::root)
        .load(conn)?;
    roots.iter().map(|root| Sha256::from_slice(root).ok_or_else(|| corrupt("hash tile", "its root"))).collect()
}

/// The first `width` hashes of a tile, for a log of `size` events; `None` when the log does not have them.
///
/// # Errors
/// When the database fails.
pub fn tile(conn: &mut AnyConnection, level: u32, n: u64, width: u64) -> Result<Option<Vec<Sha256>>> {
    let size = size(conn)?;
    let Some(shift) = level.checked_mul(8).filter(|shift| *shift < 64) else { return Ok(None) };
    let available = size >> shift;
    let Some(end) = n.checked_mul(TILE_WIDTH).and_then(|start| start.checked_add(width)) else { return Ok(None) };
    if width == 0 || width > TILE_WIDTH || end > available {
        return Ok(None);
    }
    let hashes = tile_hashes(conn, level, n, size)?;
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    Ok((hashes.len() >= width).then(|| hashes[..width].to_vec()))
}

/// The hashes of the full tiles of leaves in a range, by their numbers.
pub(super) fn leaf_tiles(conn: &mut AnyConnection, from: u64, to: u64) -> Result<BTreeMap<u64, Vec<Sha256>>> {
    let rows: Vec<(i64, Vec<u8>)> = log_tiles::table
        .filter(log_tiles::level.eq(0))
        .filter(log_tiles::n.ge(signed(from)).and(log_tiles::n.lt(signed(to))))
        .select((log_tiles::n, log_tiles::hashes))
        .load(conn)?;
    rows.into_iter().map(|(n, hashes)| Ok((unsigned(n), split_hashes(&hashes)?))).collect()
}

pub(super) fn tile_hashes(conn: &mut AnyConnection, level: u32, n: u64, size: u64) -> Result<Vec<Sha256>> {
    let full: Option<Vec<u8>> = log_tiles::table
        .find((i32::try_from(level).unwrap_or(i32::MAX), signed(n)))
        .select(log_tiles::hashes)
        .first(conn)
        .optional()?;
    match full {
        Some(hashes) => split_hashes(&hashes),
        None if level == 0 => leaves(conn, n * TILE_WIDTH, size.min((n + 1) * TILE_WIDTH)),
        None => tile_roots(conn, i32::try_from(level - 1).unwrap_or(i32::MAX), n * TILE_WIDTH, TILE_WIDTH),
    }
}

/// Compares the tiles and the frontier that are stored with the `tree`; says which event is the first they don't fit.
///
/// # Errors
/// When the database fails.
pub fn first_mismatch(conn: &mut AnyConnection, tree: &Frontier) -> Result<Option<u64>> {
    let Some(row) = head_row(conn)? else { return Ok((tree.size() > 0).then_some(0)) };
    if let Some(index) = tree.first_mismatch(&row.frontier) {
        return Ok(Some(index));
    }
    let (mut level, mut tiles, mut events_a_tile) = (0, tree.size() / TILE_WIDTH, TILE_WIDTH);
    let mut below: Option<Vec<Sha256>> = None;
    while tiles > 0 {
        let mut roots = Vec::new();
        for n in 0..tiles {
            let found: Option<(Vec<u8>, Vec<u8>)> = log_tiles::table
                .find((level, signed(n)))
                .select((log_tiles::hashes, log_tiles::root))
                .first(conn)
                .optional()?;
            let fits = found.and_then(|(hashes, root)| {
                let hashes = split_hashes(&hashes).ok()?;
                let start = usize::try_from(n * TILE_WIDTH).ok()?;
                let below_fits =
                    below.as_ref().is_none_or(|below| below.get(start..start + hashes.len()) == Some(&hashes));
                let own = root_of(&hashes);
                (hashes.len() as u64 == TILE_WIDTH && own.0.as_slice() == root && below_fits).then_some(own)
            });
            match fits {
                Some(root) => roots.push(root),
                None => return Ok(Some(n * events_a_tile)),
            }
        }
        below = Some(roots);
        level += 1;
        tiles /= TILE_WIDTH;
        events_a_tile = events_a_tile.saturating_mul(TILE_WIDTH);
    }
    Ok(None)
}
