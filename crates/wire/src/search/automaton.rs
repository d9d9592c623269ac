//! Looks for several words at once, a byte at a time (Aho and Corasick, 1975). Written out here
//! because the search must be able to stop at any byte and go on at the next piece.

use std::collections::VecDeque;

/// Where an automaton is.
pub(super) type State = u32;

/// Where no word has begun.
pub(super) const ROOT: State = 0;

pub(super) struct Automaton {
    /// The class of each byte: those that no word has are all of class 0.
    classes: Vec<u8>,
    /// How many classes there are.
    width: usize,
    /// The next state, by state and class.
    next: Vec<State>,
    /// By state, whether a word ends there.
    ends: Vec<bool>,
    longest: usize,
}

impl Automaton {
    pub(super) fn new(words: &[Vec<u8>]) -> Self {
        let mut letters: Vec<u8> = words.iter().flatten().copied().collect();
        letters.sort_unstable();
        letters.dedup();
        let class = |byte: u8| letters.binary_search(&byte).ok().and_then(|place| u8::try_from(place + 1).ok());
        let classes = (0..=u8::MAX).map(|byte| class(byte).unwrap_or(0)).collect();
        let width = letters.len() + 1;
        let longest = words.iter().map(Vec::len).max().unwrap_or(0);
        let mut automaton = Self { classes, width, next: vec![ROOT; width], ends: vec![false], longest };
        words.iter().for_each(|word| automaton.add(word));
        automaton.connect();
        automaton
    }

    fn add(&mut self, word: &[u8]) {
        let mut state = ROOT;
        for byte in word {
            state = match self.next(state, *byte) {
                ROOT => {
                    let new = State::try_from(self.ends.len()).unwrap_or(ROOT);
                    self.ends.push(false);
                    self.next.extend(std::iter::repeat_n(ROOT, self.width));
                    let slot = self.slot(state, self.class(*byte));
                    if let Some(next) = self.next.get_mut(slot) {
                        *next = new;
                    }
                    new
                }
                known => known,
            };
        }
        if let Some(ends) = self.ends.get_mut(state as usize).filter(|_| state != ROOT) {
            *ends = true;
        }
    }

    /// Leads every state that has no way for a letter to where the longest end of what lies
    /// behind is the beginning of a word.
    fn connect(&mut self) {
        let mut waiting: VecDeque<(State, State)> = VecDeque::from([(ROOT, ROOT)]);
        while let Some((state, fallback)) = waiting.pop_front() {
            let within = self.is_found(fallback);
            if let Some(ends) = self.ends.get_mut(state as usize) {
                *ends |= within;
            }
            for class in 1..self.width {
                let (own, other) = (self.at(state, class), if state == ROOT { ROOT } else { self.at(fallback, class) });
                if own != ROOT {
                    waiting.push_back((own, other));
                } else if let Some(next) = self.next.get_mut(state as usize * self.width + class) {
                    *next = other;
                }
            }
        }
    }

    pub(super) fn next(&self, state: State, byte: u8) -> State {
        self.at(state, self.class(byte))
    }

    /// Whether a word begins with this byte.
    pub(super) fn begins(&self, byte: u8) -> bool {
        self.next(ROOT, byte) != ROOT
    }

    pub(super) fn is_found(&self, state: State) -> bool {
        self.ends.get(state as usize).copied().unwrap_or(false)
    }

    /// Letters of the longest word.
    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    fn class(&self, byte: u8) -> usize {
        self.classes.get(usize::from(byte)).map_or(0, |class| usize::from(*class))
    }

    const fn slot(&self, state: State, class: usize) -> usize {
        state as usize * self.width + class
    }

    fn at(&self, state: State, class: usize) -> State {
        self.next.get(self.slot(state, class)).copied().unwrap_or(ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the first word ends.
    fn run(words: &[&str], text: &str) -> Option<usize> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let automaton = Automaton::new(&words);
        let mut state = ROOT;
        text.bytes().position(|byte| {
            state = automaton.next(state, byte);
            automaton.is_found(state)
        })
    }

    #[test]
    fn a_word_is_found_wherever_it_begins() {
        assert_eq!(run(&["abab", "babb"], "xabababb"), Some(4));
        assert_eq!(run(&["aab"], "aaab"), Some(3));
        assert_eq!(run(&["ushers", "he"], "xusher"), Some(4), "a word within the beginning of another");
        assert_eq!(run(&["abcd"], "ababc"), None);
        assert_eq!(run(&["abcd"], "ababcd"), Some(5), "what lies behind is the beginning that is longest");
        assert_eq!(run(&[], "text"), None);
    }
}
