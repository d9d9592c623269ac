//! Merkle trees as RFC 9162 has them in section 2.1. A tree is the slice of its leaves' hashes.

use crate::Hash;

/// The byte that stands before an entry where it is hashed as a leaf (2.1.1).
pub const LEAF: u8 = 0;
/// The one before two hashes.
const NODE: u8 = 1;

/// The hash of an entry as a leaf (2.1.1).
pub fn leaf(entry: &[u8]) -> Hash {
    Hash::of(&[&[LEAF], entry])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    // In one piece: that is twice as fast.
    let mut whole = [NODE; 65];
    whole[1..33].copy_from_slice(&left.0);
    whole[33..].copy_from_slice(&right.0);
    Hash::of(&[&whole])
}

/// The hash of the whole tree (2.1.1).
pub fn root(leaves: &[Hash]) -> Hash {
    root_of(leaves.iter().copied())
}

/// The same of leaves that come one by one: no more than one hash for each height of the tree is held.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    // Of subtrees that are full, from left to right: one for each 1 in the number of leaves.
    let mut full: Vec<Hash> = Vec::new();
    for (before, leaf) in (0_u64..).zip(leaves) {
        let mut hash = leaf;
        // Like a carry: two of one height are one of the next.
        for _ in 0..before.trailing_ones() {
            hash = full.pop().map_or(hash, |left| node(&left, &hash));
        }
        full.push(hash);
    }
    full.into_iter().rev().reduce(|right, left| node(&left, &right)).unwrap_or_else(|| Hash::of(&[]))
}

/// The largest power of two below `len`, which is at least two.
const fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}

/// What proves that the leaf at this place is in the tree (2.1.3.1); nothing where there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut rest, mut index, mut path) = (leaves, index, Vec::new());
    while rest.len() > 1 {
        let (left, right) = rest.split_at(split(rest.len()));
        let other = if index < left.len() {
            rest = left;
            right
        } else {
            index -= left.len();
            rest = right;
            left
        };
        path.push(root(other));
    }
    path.reverse();
    Some(path)
}

/// Whether the path leads from this leaf, at this place of a tree of that size, to that root (2.1.3.2).
pub fn includes(root: &Hash, size: u64, index: u64, leaf: &Hash, path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for other in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = node(other, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// What proves that the tree of the first `old` leaves is the beginning of this one (2.1.4.1);
/// nothing where this one is shorter, or the old one empty.
pub fn consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let (mut rest, mut old, mut whole, mut path) = (leaves, old, true, Vec::new());
    while old < rest.len() {
        let (left, right) = rest.split_at(split(rest.len()));
        if old <= left.len() {
            path.push(root(right));
            rest = left;
        } else {
            path.push(root(left));
            old -= left.len();
            rest = right;
            whole = false;
        }
    }
    if !whole {
        path.push(root(rest));
    }
    path.reverse();
    Some(path)
}

/// Whether the path leads from the old root to the new one (2.1.4.2). Every tree begins with the empty one.
pub fn extends(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 {
        return path.is_empty() && *old_root == root(&[]);
    }
    if old_size >= new_size {
        return old_size == new_size && path.is_empty() && old_root == new_root;
    }
    let mut path = path.iter();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut place, mut last) = (old_size - 1, new_size - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut from, mut to) = (*first, *first);
    for other in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            from = node(other, &from);
            to = node(other, &to);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            to = node(&to, other);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && from == *old_root && to == *new_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The entries of the tree that implementations of Certificate Transparency test with.
    const ENTRIES: [&[u8]; 8] = [
        b"",
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
    ];

    fn hex(hash: &Hash) -> String {
        hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
    }

    #[test]
    fn the_standard_trees_have_the_standard_roots() {
        let leaves: Vec<Hash> = ENTRIES.iter().map(|entry| leaf(entry)).collect();
        assert_eq!(hex(&root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(&root(&leaves[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(hex(&root(&leaves)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
        for size in 1..=33 {
            let leaves = leaves(size);
            let root = root(&leaves);
            for index in 0..size {
                let path = inclusion(&leaves, index).unwrap();
                assert!(includes(&root, size as u64, index as u64, &leaves[index], &path), "{index} of {size}");
                for wrong in (0..=size).filter(|wrong| *wrong != index) {
                    assert!(!includes(&root, size as u64, wrong as u64, &leaves[index], &path), "{wrong} of {size}");
                }
                assert!(!includes(&root, size as u64, index as u64, &leaf(b"other"), &path));
                let mut longer = path.clone();
                longer.push(root);
                assert!(!includes(&root, size as u64, index as u64, &leaves[index], &longer));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!includes(&root, size as u64, index as u64, &leaves[index], shorter));
                }
            }
            assert_eq!(inclusion(&leaves, size), None);
        }
    }

    #[test]
    fn every_small_tree_extends_its_beginnings_and_no_others() {
        for size in 1..=33 {
            let leaves = leaves(size);
            let new = root(&leaves);
            for old in 1..=size {
                let path = consistency(&leaves, old).unwrap();
                let before = root(&leaves[..old]);
                assert!(extends((old as u64, &before), (size as u64, &new), &path), "{old} of {size}");
                let mut forged = leaves[..old].to_vec();
                forged[0] = leaf(b"other");
                assert!(!extends((old as u64, &root(&forged)), (size as u64, &new), &path), "{old} of {size}");
                if old > 1 {
                    assert!(!extends((old as u64 - 1, &before), (size as u64, &new), &path), "{old} of {size}");
                }
            }
            assert!(extends((0, &root(&[])), (size as u64, &new), &[]));
            assert!(!extends((size as u64 + 1, &new), (size as u64, &new), &[]));
        }
    }

    proptest! {
        #[test]
        fn a_path_with_one_wrong_bit_proves_nothing(
            size in 2_usize..300, index in any::<prop::sample::Index>(), old in any::<prop::sample::Index>(),
            place in any::<prop::sample::Index>(), bit in 0_usize..256,
        ) {
            let leaves = leaves(size);
            let whole = root(&leaves);
            let flip = |path: &mut Vec<Hash>| {
                let place = place.index(path.len());
                path[place].0[bit / 8] ^= 1 << (bit % 8);
            };
            let index = index.index(size);
            let mut path = inclusion(&leaves, index).unwrap();
            flip(&mut path);
            prop_assert!(!includes(&whole, size as u64, index as u64, &leaves[index], &path));
            let old = 1 + old.index(size - 1);
            let mut path = consistency(&leaves, old).unwrap();
            flip(&mut path);
            prop_assert!(!extends((old as u64, &root(&leaves[..old])), (size as u64, &whole), &path));
        }
    }
}
