//! The book as a whole, on a real disk and with real processes.

mod damage;
mod files;
mod forging;
mod kill;
mod sealing;
mod trouble;
