//! Merkle tree over what one entry delivers: a leaf per recipient, sorted by id bytes.
//!
//! Leaves and nodes have contexts of their own; an odd node is promoted; size and index come from
//! the fold. Nobody receives: the root is zero.

use borsh::BorshSerialize;

use crate::{
    crypto::{hash, label},
    encoding::{DeliveriesRoot, Header, MemberId, SealedHash, encode, tag},
};

/// A leaf's or node's hash.
pub type Node = [u8; 32];

#[derive(BorshSerialize)]
struct Leaf<'a> {
    header: Header<{ tag::LEAF }>,
    recipient: &'a MemberId,
    parts: &'a [SealedHash],
}

/// The leaf of one recipient: its id and the hashes of its sealed parts, in order.
pub fn leaf(recipient: &MemberId, parts: &[SealedHash]) -> Node {
    hash(label::DELIVERIES_LEAF, &[&encode(&Leaf { header: Header, recipient, parts })])
}

/// The hash under which a signed entry lists sealed bytes.
pub fn sealed_hash(bytes: &[u8]) -> SealedHash {
    SealedHash(hash(label::SEALED_HASH, &[bytes]))
}

/// The root over leaves in the order of their recipients' ids.
pub fn root(leaves: &[Node]) -> DeliveriesRoot {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().map_or(DeliveriesRoot::ZERO, |root| DeliveriesRoot(*root))
}

/// The siblings from leaf `index` up to the root; empty for an index outside.
pub fn path(leaves: &[Node], mut index: usize) -> Vec<Node> {
    let (mut level, mut siblings) = (leaves.to_vec(), Vec::new());
    if index >= leaves.len() {
        return siblings;
    }
    while level.len() > 1 {
        siblings.extend(level.get(index ^ 1));
        level = parents(&level);
        index /= 2;
    }
    siblings
}

/// Whether `leaf` stands at `index` of `size` leaves under `root`.
pub fn verify(
    leaf: Node,
    mut index: usize,
    mut size: usize,
    path: &[Node],
    root: &DeliveriesRoot,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut siblings) = (leaf, path.iter());
    while size > 1 {
        let promoted = index == size - 1 && index.is_multiple_of(2);
        if !promoted {
            let Some(sibling) = siblings.next() else { return false };
            node = if index.is_multiple_of(2) {
                parent(&node, sibling)
            } else {
                parent(sibling, &node)
            };
        }
        (index, size) = (index / 2, size.div_ceil(2));
    }
    siblings.next().is_none() && DeliveriesRoot(node) == *root
}

fn parents(level: &[Node]) -> Vec<Node> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => parent(left, right),
            promoted => promoted[0],
        })
        .collect()
}

fn parent(left: &Node, right: &Node) -> Node {
    hash(label::DELIVERIES_NODE, &[left, right])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leaf_verifies_at_its_own_place_alone() {
        for size in 1..=17 {
            let leaves: Vec<Node> =
                (0..size).map(|n| leaf(&MemberId([n as u8; 32]), &[])).collect();
            let root = root(&leaves);
            for index in 0..size {
                let path = path(&leaves, index);
                assert!(verify(leaves[index], index, size, &path, &root));
                for other in (0..size).filter(|other| *other != index) {
                    assert!(!verify(leaves[index], other, size, &path, &root));
                    assert!(!verify(leaves[other], index, size, &path, &root));
                }
                let longer = [path.as_slice(), &[[0; 32]]].concat();
                assert!(!verify(leaves[index], index, size, &longer, &root));
                assert!(!verify(leaves[index], size + index, size, &path, &root));
            }
        }
    }

    #[test]
    fn no_path_leads_from_outside() {
        let leaves = [[1; 32], [2; 32], [3; 32]];
        assert_eq!((path(&leaves, 0).len(), path(&leaves, 2).len()), (2, 1));
        assert!((3..20).all(|outside| path(&leaves, outside).is_empty()));
        assert!(path(&[], 0).is_empty() && path(&leaves[..1], 0).is_empty());
    }

    #[test]
    fn nobody_receives_is_the_zero_root() {
        assert_eq!(root(&[]), DeliveriesRoot::ZERO);
    }
}
