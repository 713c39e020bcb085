//! What is known of a contact by name: its attributes and tags. There are few of them and they are asked for often, so each kind
//! lies in one piece of memory, ordered by name. They are stored as a map and a sequence.

use std::fmt;

use journey_bytecode::Value;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// So few names are looked through faster than they are halved.
const FEW: usize = 8;

/// The most that is made room for before it has been read.
const ROOM: usize = 64;

/// Values by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attributes(Vec<(SmolStr, Value)>);

impl Attributes {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(self.place(name).ok()?).map(|(_, value)| value)
    }

    /// The same for somebody who knows at which place it is when no attribute before it is missing.
    #[inline(always)]
    pub(crate) fn expected(&self, name: &SmolStr, place: usize) -> Option<&Value> {
        match self.0.get(place) {
            Some((known, value)) if known == name => Some(value),
            _ => self.sought(name),
        }
    }

    #[inline(never)]
    fn sought(&self, name: &SmolStr) -> Option<&Value> {
        match self.0.len() <= FEW {
            true => self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            false => self.get(name),
        }
    }

    /// Gives the name a value.
    pub fn insert(&mut self, name: SmolStr, value: Value) {
        match self.place(&name) {
            Ok(place) => {
                if let Some((_, known)) = self.0.get_mut(place) {
                    *known = value;
                }
            }
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Takes the name's value away.
    pub fn remove(&mut self, name: &str) {
        if let Ok(place) = self.place(name) {
            self.0.remove(place);
        }
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&SmolStr, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        match self.0.last() {
            // What comes in order goes behind.
            Some((last, _)) if last.as_str() < name => Err(self.0.len()),
            _ => self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)),
        }
    }
}

impl FromIterator<(SmolStr, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (SmolStr, Value)>>(all: I) -> Self {
        let mut attributes = Self::new();
        all.into_iter().for_each(|(name, value)| attributes.insert(name, value));
        attributes
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, bytes: S) -> Result<S::Ok, S::Error> {
        bytes.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(bytes: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut attributes = Attributes(Vec::with_capacity(map.size_hint().unwrap_or(0).min(ROOM)));
                while let Some((name, value)) = map.next_entry()? {
                    attributes.insert(name, value);
                }
                Ok(attributes)
            }
        }

        bytes.deserialize_map(Pairs)
    }
}

/// A set of names.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Tags(Vec<SmolStr>);

impl Tags {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether this is one of them.
    pub fn contains(&self, tag: &str) -> bool {
        self.place(tag).is_ok()
    }

    /// The same, where the name is at hand as it is kept.
    #[inline]
    pub(crate) fn has(&self, tag: &SmolStr) -> bool {
        if self.0.len() <= FEW { self.0.iter().any(|known| known == tag) } else { self.contains(tag) }
    }

    /// Adds one; whether that is news.
    pub fn insert(&mut self, tag: SmolStr) -> bool {
        let place = self.place(&tag);
        place.is_err_and(|place| {
            self.0.insert(place, tag);
            true
        })
    }

    /// Takes one away; whether it was there.
    pub fn remove(&mut self, tag: &str) -> bool {
        self.place(tag).is_ok_and(|place| {
            self.0.remove(place);
            true
        })
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SmolStr> {
        self.0.iter()
    }

    fn place(&self, tag: &str) -> Result<usize, usize> {
        match self.0.last() {
            Some(last) if last.as_str() < tag => Err(self.0.len()),
            _ => self.0.binary_search_by(|known| known.as_str().cmp(tag)),
        }
    }
}

impl FromIterator<SmolStr> for Tags {
    fn from_iter<I: IntoIterator<Item = SmolStr>>(all: I) -> Self {
        let mut tags = Self::new();
        all.into_iter().for_each(|tag| _ = tags.insert(tag));
        tags
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(bytes: D) -> Result<Self, D::Error> {
        let tags = Vec::<SmolStr>::deserialize(bytes)?;
        Ok(if tags.is_sorted_by(|a, b| a < b) { Self(tags) } else { tags.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = SmolStr> {
        "[a-c]{1,2}".prop_map(SmolStr::from)
    }

    proptest! {
        /// They are what a map and a set would be, in memory and as bytes.
        #[test]
        fn they_are_a_map_and_a_set(
            given in prop::collection::vec((name(), any::<Option<i64>>(), 0..24_usize), 0..24),
        ) {
            let (mut attributes, mut tags) = (Attributes::new(), Tags::new());
            let (mut map, mut set) = (BTreeMap::new(), BTreeSet::new());
            for (name, number, place) in given {
                match number {
                    Some(number) => {
                        attributes.insert(name.clone(), Value::int(number));
                        map.insert(name.clone(), Value::int(number));
                        prop_assert_eq!(tags.insert(name.clone()), set.insert(name.clone()));
                    }
                    None => {
                        attributes.remove(&name);
                        map.remove(&name);
                        prop_assert_eq!(tags.remove(&name), set.remove(&name));
                    }
                }
                prop_assert_eq!(attributes.get(&name), map.get(&name));
                prop_assert_eq!(attributes.expected(&name, place), map.get(&name));
                prop_assert_eq!((tags.has(&name), tags.contains(&name)), (set.contains(&name), set.contains(&name)));
            }
            prop_assert!(attributes.iter().eq(map.iter()) && tags.iter().eq(set.iter()));
            let bytes = postcard::to_stdvec(&(&map, &set)).unwrap();
            prop_assert_eq!(&postcard::to_stdvec(&(&attributes, &tags)).unwrap(), &bytes);
            prop_assert_eq!(postcard::from_bytes::<(Attributes, Tags)>(&bytes).unwrap(), (attributes, tags));
        }
    }
}
