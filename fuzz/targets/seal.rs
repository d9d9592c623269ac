//! Notes, keys, checkpoints and proofs: what somebody hands to an auditor.
#![no_main]

use libfuzzer_sys::fuzz_target;
use record::Proof;
use seal::{Checkpoint, Hash, Signer, Verifier, tree};

fuzz_target!(|data: (&str, u64, u64, Vec<[u8; 32]>)| {
    let (text, size, index, path) = data;
    let signer = Signer::new("fuzz/record", &[7; 32]).expect("32 bytes");
    let verifier = signer.verifier();
    // Nobody without the seed makes a note that is taken.
    assert!(verifier.checkpoint(text).is_err());
    if let Ok(key) = text.parse::<Verifier>() {
        assert_eq!(key.to_string(), text.trim());
        let _ = key.open(text);
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }
    if let Ok(proof) = Proof::read(text) {
        assert!(proof.verify(&verifier).is_err());
    }
    let path: Vec<Hash> = path.into_iter().map(Hash).collect();
    let root = Hash([1; 32]);
    assert!(!tree::includes(&root, size, index, &Hash([2; 32]), &path));
    if size != index {
        assert!(!tree::extends((size, &root), (index, &root), &path));
    }
});
