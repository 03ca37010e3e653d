//! The Merkle tree of RFC 6962 section 2: hashes, an append-only frontier, proofs and their checks (RFC 9162 2.1).

use crate::domain::text::Sha256;

/// SHA-256(0x00 ‖ event).
pub fn leaf_hash(event: &[u8]) -> Sha256 {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(&[0]);
    context.update(event);
    Sha256::finish(context)
}

/// Which event is where, as it is stored beside each event.
pub type PositionHash = [u8; 8];

/// The first 8 bytes of SHA-256(0x02 ‖ index, 8 bytes, big-endian ‖ leaf hash). It is not part of the tree, which alone
/// shows that an event was changed or moved; this says which one, until a tile of the tree does.
pub fn position_hash(index: u64, leaf: &Sha256) -> PositionHash {
    let mut bytes = [2; 41];
    bytes[1..9].copy_from_slice(&index.to_be_bytes());
    bytes[9..].copy_from_slice(&leaf.0);
    *Sha256::of(&bytes).0.first_chunk().expect("a hash has more bytes")
}

/// SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Sha256::of(&bytes)
}

/// The root of a complete or ragged tree over these leaves (RFC 6962's MTH).
pub fn root_of(leaves: &[Sha256]) -> Sha256 {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// Just enough of a tree to append to it: the roots of its complete subtrees, largest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Sha256>,
}

impl Frontier {
    /// Restores a stored tree. `None` if the number of roots does not fit the size.
    pub fn restore(size: u64, bytes: &[u8]) -> Option<Self> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && chunks.len() == size.count_ones() as usize;
        fits.then(|| Self { size, roots: chunks.iter().map(|chunk| Sha256(*chunk)).collect() })
    }

    /// The bytes that [`Self::restore`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.iter().flat_map(|root| root.0).collect()
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The first leaf under a subtree whose root is not the one in `bytes`, which [`Self::to_bytes`] made once.
    pub fn first_mismatch(&self, bytes: &[u8]) -> Option<u64> {
        let own = self.to_bytes();
        if own == bytes {
            return None;
        }
        let mut start = 0;
        for (place, power) in (0..64).rev().filter(|power| (self.size >> power) & 1 == 1).enumerate() {
            let range = place * 32..place * 32 + 32;
            if own.get(range.clone()) != bytes.get(range) {
                return Some(start);
            }
            start += 1 << power;
        }
        // Longer than it should be.
        Some(start.saturating_sub(1))
    }

    /// Whether the last leaves of the tree are these. They must be those after the last multiple of a power of two that is
    /// larger than their number.
    pub fn ends_with(&self, leaves: &[Sha256]) -> bool {
        let mut end = Self::default();
        for leaf in leaves {
            end.push(*leaf);
        }
        self.roots.ends_with(&end.roots)
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Sha256) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let left = self.roots.pop().expect("one root for each set bit of the size");
            hash = node_hash(&left, &hash);
            size >>= 1;
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The tree's root; of an empty tree, the hash of nothing.
    pub fn root(&self) -> Sha256 {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Sha256::of(&[]) };
        roots.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Where the hashes of complete subtrees come from: the leaves `[index << level, (index + 1) << level)`.
pub trait HashSource {
    /// The error when a hash can't be read.
    type Error;
    /// The root of that subtree.
    ///
    /// # Errors
    /// When the hash can't be read.
    fn subtree(&mut self, level: u32, index: u64) -> Result<Sha256, Self::Error>;
}

/// The root over the leaves `[start, end)`, where `start` is a multiple of the largest power of two below the length.
fn range_root<S: HashSource>(source: &mut S, start: u64, end: u64) -> Result<Sha256, S::Error> {
    let length = end - start;
    if length.is_power_of_two() {
        return source.subtree(length.trailing_zeros(), start >> length.trailing_zeros());
    }
    let split = start + split_point(length);
    let left = range_root(source, start, split)?;
    let right = range_root(source, split, end)?;
    Ok(node_hash(&left, &right))
}

/// The root over the first `size` leaves, of which there must be one at least.
///
/// # Errors
/// When a hash can't be read.
pub fn root_at<S: HashSource>(source: &mut S, size: u64) -> Result<Sha256, S::Error> {
    range_root(source, 0, size)
}

/// The largest power of two smaller than `n`, for `n` > 1.
const fn split_point(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The proof that leaf `index` is in the tree of `size` leaves: sibling hashes from the leaf up.
///
/// # Errors
/// When a hash can't be had. `index` must be below `size`.
pub fn inclusion_proof<S: HashSource>(source: &mut S, index: u64, size: u64) -> Result<Vec<Sha256>, S::Error> {
    debug_assert!(index < size, "a proof is of a leaf that exists");
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let split = start + split_point(end - start);
        if index < split {
            siblings.push((split, end));
            end = split;
        } else {
            siblings.push((start, split));
            start = split;
        }
    }
    siblings.iter().rev().map(|(start, end)| range_root(source, *start, *end)).collect()
}

/// The proof that the tree of `old` leaves is a beginning of the tree of `new` leaves.
///
/// # Errors
/// When a hash can't be had. `old` must be from 1 to `new`.
pub fn consistency_proof<S: HashSource>(source: &mut S, old: u64, new: u64) -> Result<Vec<Sha256>, S::Error> {
    let (mut start, mut end) = (0, new);
    let mut ranges = Vec::new();
    let mut whole = true;
    while old != end {
        let split = start + split_point(end - start);
        if old <= split {
            ranges.push((split, end));
            end = split;
        } else {
            ranges.push((start, split));
            start = split;
            whole = false;
        }
    }
    if !whole {
        ranges.push((start, end));
    }
    ranges.iter().rev().map(|(start, end)| range_root(source, *start, *end)).collect()
}

/// Checks an inclusion proof (RFC 9162 section 2.1.3.2).
pub fn inclusion_holds(index: u64, size: u64, leaf: Sha256, proof: &[Sha256], root: Sha256) -> bool {
    inclusion_path(index, size, leaf, proof).is_some_and(|path| path.last().copied().unwrap_or(leaf) == root)
}

/// The hashes on the way from a leaf to the root, each made of the one before and the proof's hash beside it; without the leaf's
/// own. `None` where the proof is too long or too short for the tree.
pub fn inclusion_path(index: u64, size: u64, leaf: Sha256, proof: &[Sha256]) -> Option<Vec<Sha256>> {
    if index >= size {
        return None;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, leaf);
    let mut path = Vec::with_capacity(proof.len());
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        path.push(hash);
        place >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(path)
}

/// Checks a consistency proof (RFC 9162 section 2.1.4.2).
pub fn consistency_holds(old: u64, new: u64, old_root: Sha256, new_root: Sha256, proof: &[Sha256]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return false;
    }
    let with_root: Vec<Sha256> = if old.is_power_of_two() {
        std::iter::once(old_root).chain(proof.iter().copied()).collect()
    } else {
        proof.to_vec()
    };
    let Some((first, rest)) = with_root.split_first() else { return false };
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == old_root && from_new == new_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The eight inputs and the roots of the reference tests of RFC 6962's authors (certificate-transparency).
    const INPUTS: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    struct Leaves(Vec<Sha256>);

    /// RFC 6962's recursive definition, written apart from the code under test.
    fn mth(leaves: &[Sha256]) -> Sha256 {
        match leaves {
            [] => Sha256::of(&[]),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    impl HashSource for Leaves {
        type Error = std::convert::Infallible;
        fn subtree(&mut self, level: u32, index: u64) -> Result<Sha256, Self::Error> {
            let start = usize::try_from(index << level).unwrap();
            Ok(mth(&self.0[start..start + (1 << level)]))
        }
    }

    #[test]
    fn the_published_vectors() {
        let leaves: Vec<_> = INPUTS.iter().map(|input| leaf_hash(&hex::decode(input).unwrap())).collect();
        for size in 1..=8 {
            assert_eq!(root_of(&leaves[..size]).to_string(), ROOTS[size - 1], "size {size}");
        }
        assert_eq!(root_of(&[]).to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let proof = inclusion_proof(&mut Leaves(leaves.clone()), 5, 8).unwrap();
        assert_eq!(proof[0].to_string(), "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b");
        let proof = consistency_proof(&mut Leaves(leaves), 6, 8).unwrap();
        assert_eq!(
            proof.iter().map(Sha256::to_string).collect::<Vec<_>>(),
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
    }

    proptest! {
        #[test]
        fn proofs_hold_and_nothing_else_does(size in 1_u64..300, a: prop::sample::Index, b: prop::sample::Index, flip in 0_usize..8) {
            let leaves: Vec<_> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let mut frontier = Frontier::default();
            for (n, leaf) in leaves.iter().enumerate() {
                frontier.push(*leaf);
                let bytes = frontier.to_bytes();
                prop_assert_eq!(Frontier::restore(n as u64 + 1, &bytes).unwrap(), frontier.clone());
            }
            let root = mth(&leaves);
            prop_assert_eq!(frontier.root(), root);

            for size in 1..=leaves.len() {
                let root = root_at(&mut Leaves(leaves.clone()), size as u64).unwrap();
                prop_assert_eq!(root, mth(&leaves[..size]));
            }

            let index = a.index(leaves.len());
            let mut source = Leaves(leaves.clone());
            let proof = inclusion_proof(&mut source, index as u64, size).unwrap();
            prop_assert!(inclusion_holds(index as u64, size, leaves[index], &proof, root));
            prop_assert!(!inclusion_holds(index as u64, size, leaf_hash(b"other"), &proof, root));
            if let Some(hash) = proof.get(flip) {
                let mut bent = proof.clone();
                bent[flip].0[0] = !hash.0[0];
                prop_assert!(!inclusion_holds(index as u64, size, leaves[index], &bent, root));
                prop_assert!(!inclusion_holds(index as u64, size, leaves[index], &proof[..flip], root));
            }

            let old = b.index(leaves.len()) as u64 + 1;
            let old_root = mth(&leaves[..usize::try_from(old).unwrap()]);
            let proof = consistency_proof(&mut source, old, size).unwrap();
            prop_assert!(consistency_holds(old, size, old_root, root, &proof));
            if old < size {
                prop_assert!(!consistency_holds(old, size, leaf_hash(b"other"), root, &proof));
                prop_assert!(!consistency_holds(old, size, old_root, leaf_hash(b"other"), &proof));
            }
        }
    }
}
