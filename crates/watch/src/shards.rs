//! Tables that many threads use at once: each name belongs to one of a few dozen locks, so that
//! calls of different keys do not wait for each other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap as _};

/// More than there are cores, so that two of them seldom want the same.
const SHARDS: usize = 128;

/// What many threads share.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    /// Held for moments. Who panicked while holding it left what was whole before each statement.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
}

impl<T: Clone + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        // One after the other: somebody else may hold them the other way round.
        let one = self.lock().clone();
        one == *other.lock()
    }
}

impl<T: Clone + Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A copy: whoever waits for the lock must not wait for what is written.
        self.lock().clone().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Mutex::new(value)))
    }
}

/// Values by number.
#[derive(Debug)]
pub(crate) struct Shards<V> {
    tables: Box<[Shared<Table<V>>]>,
    count: AtomicUsize,
}

/// Boxed, so that a growing table moves little.
pub(crate) type Table<V> = HashMap<u64, Box<V>>;

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self { tables: (0..SHARDS).map(|_| Shared(Mutex::new(Table::new()))).collect(), count: AtomicUsize::new(0) }
    }
}

impl<V> Shards<V> {
    /// The table that this number belongs to.
    pub(crate) fn table(&self, number: u64) -> MutexGuard<'_, Table<V>> {
        #[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a small number")]
        let place = (number % SHARDS as u64) as usize;
        // INVARIANT: there are as many tables as `place` can be.
        #[expect(clippy::indexing_slicing, reason = "there are as many tables as the place can be")]
        self.tables[place].lock()
    }

    /// Its value in its table, made where it is not there.
    pub(crate) fn entry<'t>(&self, table: &'t mut Table<V>, number: u64, make: impl FnOnce() -> V) -> &'t mut V {
        table.entry(number).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Relaxed);
            Box::new(make())
        })
    }

    pub(crate) fn read<R>(&self, number: u64, read: impl FnOnce(&V) -> R) -> Option<R> {
        self.table(number).get(&number).map(|value| read(value))
    }

    pub(crate) fn remove(&self, number: u64) {
        if self.table(number).remove(&number).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn each_mut(&self, mut each: impl FnMut(&mut V)) {
        self.tables.iter().for_each(|table| table.lock().values_mut().for_each(|value| each(value)));
    }

    pub(crate) fn each(&self, mut each: impl FnMut(&V)) {
        self.tables.iter().for_each(|table| table.lock().values().for_each(|value| each(value)));
    }
}

impl<V: Clone> Shards<V> {
    /// In the order of the numbers, so that the same state is the same bytes.
    fn sorted(&self) -> BTreeMap<u64, V> {
        let mut sorted = BTreeMap::new();
        for table in &self.tables {
            sorted.extend(table.lock().iter().map(|(number, value)| (*number, V::clone(value))));
        }
        sorted
    }
}

impl<V: Clone> Clone for Shards<V> {
    fn clone(&self) -> Self {
        self.sorted().into_iter().collect()
    }
}

impl<V> FromIterator<(u64, V)> for Shards<V> {
    fn from_iter<I: IntoIterator<Item = (u64, V)>>(values: I) -> Self {
        let shards = Self::default();
        for (number, value) in values {
            let mut table = shards.table(number);
            shards.entry(&mut table, number, || value);
        }
        shards
    }
}

impl<V: Clone + PartialEq> PartialEq for Shards<V> {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl<V: Clone + Serialize> Serialize for Shards<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // One table after the other, so that not everything is there twice; each in the order of
        // its numbers, so that the same state is the same bytes.
        let mut all = serializer.serialize_map(None)?;
        for table in &self.tables {
            let mut values: Vec<(u64, V)> =
                table.lock().iter().map(|(number, value)| (*number, V::clone(value))).collect();
            values.sort_by_key(|(number, _)| *number);
            values.iter().try_for_each(|(number, value)| all.serialize_entry(number, value))?;
        }
        all.end()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Shards<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<u64, V>::deserialize(deserializer)?.into_iter().collect())
    }
}
