//! A list as the vault stores it, whose items are found by name or id without going through it.

use std::{
    collections::BTreeMap,
    fmt,
    io::{Read, Result, Write},
    ops::Deref,
};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{encoding::SecretId, name::SecretName};

/// What a list's items are found by. Neither changes while an item is in a list.
pub trait HasName {
    /// Its name.
    fn name(&self) -> &SecretName;

    /// Its id, where it has one of its own.
    fn id(&self) -> Option<SecretId> {
        None
    }
}

/// Items in their order. On disk it is the plain list.
pub struct Named<T> {
    items: Vec<T>,
    /// By folded name, each in the list's order.
    names: BTreeMap<String, Vec<usize>>,
    ids: BTreeMap<SecretId, usize>,
}

impl<T: HasName> Named<T> {
    /// The item of an id; the first, should there be several.
    pub fn of(&self, id: &SecretId) -> Option<&T> {
        self.ids.get(id).map(|place| &self.items[*place])
    }

    pub(crate) fn of_mut(&mut self, id: &SecretId) -> Option<&mut T> {
        self.ids.get(id).map(|place| &mut self.items[*place])
    }

    /// Items of a name, in the list's order.
    pub fn named<'a, 'n>(
        &'a self,
        name: &'n SecretName,
    ) -> impl DoubleEndedIterator<Item = &'a T> + use<'a, 'n, T> {
        self.alike(name).filter(move |item| item.name() == name)
    }

    /// Items whose names differ from this one in case at most.
    pub fn alike(&self, name: &SecretName) -> impl DoubleEndedIterator<Item = &T> + use<'_, T> {
        self.places(name).iter().map(|place| &self.items[*place])
    }

    /// The last item of a name.
    pub(crate) fn last_mut(&mut self, name: &SecretName) -> Option<&mut T> {
        let of_name = |place: &&usize| self.items[**place].name() == name;
        let place = *self.places(name).iter().rfind(of_name)?;
        Some(&mut self.items[place])
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        let place = self.items.len();
        self.names.entry(item.name().folded()).or_default().push(place);
        if let Some(id) = item.id() {
            self.ids.entry(id).or_insert(place);
        }
        self.items.push(item);
    }

    /// Puts an item where the last one of its name stands, or at the end.
    pub(crate) fn put(&mut self, item: T) {
        match self.last_mut(item.name()) {
            Some(old) => *old = item,
            None => self.push(item),
        }
    }

    /// Keeps what `keeps` says.
    pub(crate) fn retain(&mut self, keeps: impl FnMut(&T) -> bool) {
        let before = self.items.len();
        self.items.retain(keeps);
        if self.items.len() < before {
            *self = std::mem::take(&mut self.items).into();
        }
    }

    /// The items without their list.
    pub(crate) fn into_items(self) -> Vec<T> {
        self.items
    }

    fn places(&self, name: &SecretName) -> &[usize] {
        // Most environments have no changes that wait.
        if self.items.is_empty() {
            &[]
        } else {
            self.names.get(&name.folded()).map_or(&[], Vec::as_slice)
        }
    }
}

impl<T> Named<T> {
    /// Items that may be changed in what they are not found by.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.items.iter_mut()
    }
}

impl<T: HasName> From<Vec<T>> for Named<T> {
    fn from(items: Vec<T>) -> Self {
        let mut named = Self { items: Vec::with_capacity(items.len()), ..Self::default() };
        items.into_iter().for_each(|item| named.push(item));
        named
    }
}

impl<T: HasName> FromIterator<T> for Named<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { items: Vec::new(), names: BTreeMap::new(), ids: BTreeMap::new() }
    }
}

impl<T> Deref for Named<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<'a, T> IntoIterator for &'a Named<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

impl<T: BorshSerialize> BorshSerialize for Named<T> {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.items.serialize(writer)
    }
}

impl<T: BorshDeserialize + HasName> BorshDeserialize for Named<T> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        Vec::deserialize_reader(reader).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, BorshSerialize, BorshDeserialize)]
    struct Item(SecretName, SecretId, u8);

    impl HasName for Item {
        fn name(&self) -> &SecretName {
            &self.0
        }

        fn id(&self) -> Option<SecretId> {
            Some(self.1)
        }
    }

    fn name(text: &str) -> SecretName {
        SecretName::parse(text).unwrap()
    }

    fn items() -> Vec<Item> {
        let item = |text, id, number| Item(name(text), SecretId([id; 16]), number);
        vec![item("A", 1, 0), item("a", 2, 1), item("B", 3, 2), item("A", 4, 3), item("B", 3, 4)]
    }

    fn numbers<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<u8> {
        items.map(|item| item.2).collect()
    }

    #[test]
    fn a_list_finds_what_a_walk_through_it_finds() {
        let list = Named::from(items());
        assert_eq!(numbers(list.named(&name("A"))), [0, 3]);
        assert_eq!(numbers(list.alike(&name("A"))), [0, 1, 3]);
        assert!(list.named(&name("C")).next().is_none());
        assert_eq!(list.of(&SecretId([3; 16])).map(|item| item.2), Some(2));
        assert!(list.of(&SecretId([9; 16])).is_none());
    }

    #[test]
    fn a_list_finds_what_is_left_and_what_came_in() {
        let mut list = Named::from(items());
        list.retain(|item| item.2 != 0);
        list.put(Item(name("A"), SecretId([4; 16]), 7));
        list.put(Item(name("C"), SecretId([5; 16]), 8));
        assert_eq!(numbers(list.iter()), [1, 2, 7, 4, 8]);
        assert_eq!(numbers(list.named(&name("A"))), [7]);
        assert_eq!(list.of_mut(&SecretId([5; 16])).map(|item| item.2), Some(8));
        assert_eq!(list.last_mut(&name("B")).map(|item| item.2), Some(4));
    }

    #[test]
    fn a_list_is_stored_as_a_plain_one() {
        let bytes = borsh::to_vec(&items()).unwrap();
        let list: Named<Item> = borsh::from_slice(&bytes).unwrap();
        assert_eq!(borsh::to_vec(&list).unwrap(), bytes);
    }
}
