//! Reading values from texts and lists without a copy of them: each call of a record has many.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// A value that is written as a text.
pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    read(deserializer, T::from_str)
}

/// The same by a function of one's own.
pub(crate) fn read<'de, T, E, D>(deserializer: D, read: impl Fn(&str) -> Result<T, E>) -> Result<T, D::Error>
where
    E: fmt::Display,
    D: Deserializer<'de>,
{
    struct Text<F>(F);

    impl<T, E: fmt::Display, F: Fn(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<R: Error>(self, text: &str) -> Result<T, R> {
            (self.0)(text).map_err(R::custom)
        }
    }

    deserializer.deserialize_str(Text(read))
}

/// A set that is written as a list.
pub(crate) fn set<'de, T, S, D>(deserializer: D) -> Result<S, D::Error>
where
    T: Deserialize<'de>,
    S: Default + Extend<T>,
    D: Deserializer<'de>,
{
    struct List<T, S>(PhantomData<(T, S)>);

    impl<'de, T: Deserialize<'de>, S: Default + Extend<T>> Visitor<'de> for List<T, S> {
        type Value = S;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<S, A::Error> {
            let mut set = S::default();
            while let Some(item) = list.next_element()? {
                set.extend([item]);
            }
            Ok(set)
        }
    }

    deserializer.deserialize_seq(List(PhantomData))
}
