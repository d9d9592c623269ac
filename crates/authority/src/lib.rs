//! Who has keys, who answers for them, who said yes.
