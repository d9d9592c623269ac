//! The lists that an operator goes by: which keys there are, what they reach, who has them.

use authority::{Command, Description, Identity, Order, Scope, SecretDigest, Sighting, Warrant};
use console::{Door, api};
use http::StatusCode;
use jiff::SignedDuration;
use law::{HolderKind, KeyId, Power, Powers, Verdict};

use crate::{
    explaining::call,
    support::{House, Program, home, law, now, pass},
};

async fn list(program: &Program, query: &str) -> api::KeyList {
    let got = program.get(&format!("/v1/keys?{query}")).await;
    assert_eq!(got.status, StatusCode::OK, "{query}: {}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

async fn ids(program: &Program, query: &str) -> Vec<KeyId> {
    list(program, query).await.keys.into_iter().map(|key| key.id).collect()
}

fn powers(text: &str) -> Powers {
    text.split_whitespace().map(|power| power.parse::<Power>().unwrap()).collect()
}

impl House {
    async fn warrant_of_ann(&self) -> Warrant {
        self.desk.authority.prove("ann", &self.ann.code(), now()).await.unwrap()
    }

    /// A program's key with nothing but reading, for 30 days.
    async fn issued(&self, owner: law::HolderId) -> KeyId {
        let authority = &self.desk.authority;
        let program = Description {
            name: "ci".to_owned(),
            kind: HolderKind::Workload,
            owner: Some(owner),
            deputies: Vec::new(),
            mail: None,
            administrator: false,
        };
        authority.perform(&Command::AddHolder(program), self.warrant_of_ann().await, now()).await.unwrap();
        let holder = authority.view(|state| state.holder_named("CI").unwrap().id);
        let order = |verifier, pepper| Order {
            name: Some("nightly".to_owned()),
            holder: Some(holder),
            parent: None,
            scope: Scope { powers: powers("read"), operations: Vec::new(), sources: Vec::new() },
            limits: vec!["calls 60/m".parse().unwrap()],
            end: now() + SignedDuration::from_hours(24 * 30),
            verifier,
            pepper,
        };
        let form = "gk_test".parse::<wire::IssuedForm>().unwrap();
        authority.issue(&form, order, self.warrant_of_ann().await, now()).await.unwrap().0
    }
}

#[tokio::test]
async fn a_list_says_what_keys_reach_and_what_of_it_without_a_second_factor() {
    let house = House::new().await;
    let (anns, bobs) = (house.key_of("ann", "one").await, house.key_of("bob", "two").await);
    let stranger = house.key_of("carol", "three").await;
    let reads = house.issued(house.bob.id).await;
    let local = Program::new(house.admin(Door::Local));
    let all = list(&local, "").await;
    assert_eq!((all.found, all.known), (4, 4));
    let of = |id: KeyId| all.keys.iter().find(|key| key.id == id).unwrap();
    // The document lists, deletes and mints; enforced, only reading needs no person.
    assert_eq!(of(bobs).reach, powers("read destroy grant mint"), "{:?}", of(bobs).reach);
    assert_eq!(of(bobs).without_second_factor, powers("read"));
    assert_eq!(of(stranger).reach, powers("read"), "nobody could show a factor for it");
    assert_eq!((of(reads).reach, of(reads).without_second_factor), (powers("read"), powers("read")));
    assert_eq!((of(reads).owner.as_deref(), of(reads).owner_two_factor), (Some("bob"), Some(true)));

    assert_eq!(ids(&local, "power=mint").await, [anns, bobs]);
    assert_eq!(ids(&local, "power=mint&without_factor=true").await, []);
    assert_eq!(ids(&local, "without_factor=true").await, [], "no sensitive power passes alone");
    assert_eq!(ids(&local, "owner=bob").await, [bobs, reads]);
    assert_eq!(ids(&local, "ends_within=14d").await, []);
    assert_eq!(ids(&local, "ends_within=31d").await, [reads]);
    assert_eq!(ids(&local, "query=nightly").await, [reads]);

    // Where guards only observe, everything passes alone.
    let observing = authority::Offer::of_law(law("observe until 2027-01-15"));
    house.desk.authority.load(&observing, now()).await.unwrap();
    let waiting = house.desk.authority.view(|state| state.waiting().map(|waiting| waiting.digest)).unwrap();
    house.desk.authority.perform(&Command::AcceptLaw(waiting), house.warrant_of_ann().await, now()).await.unwrap();
    assert_eq!(ids(&local, "power=mint&without_factor=true").await, [anns, bobs, stranger]);

    // What does not work reaches nothing, and what has left is told as such.
    house
        .desk
        .authority
        .perform(&Command::DisableKey(anns, "a test".to_owned()), Warrant::Operator, now())
        .await
        .unwrap();
    house.desk.authority.perform(&Command::Leave(house.bob.id), Warrant::Operator, now()).await.unwrap();
    assert_eq!(ids(&local, "power=mint").await, [stranger]);
    assert_eq!(ids(&local, "leavers=true").await, [bobs]);
    assert_eq!(ids(&local, "no_owner=true").await, [reads], "its owner has left");
    assert_eq!(ids(&local, "working=true").await, [stranger, reads]);
    let disabled = list(&local, "standing=disabled").await;
    assert_eq!(disabled.keys.iter().map(|key| (key.id, key.stopped_since)).collect::<Vec<_>>(), [(anns, Some(now()))]);
}

#[tokio::test]
async fn a_list_is_sorted_and_cut_to_pages_and_what_is_not_known_comes_last() {
    let house = House::new().await;
    let mut keys = Vec::new();
    for (name, end) in [("dora", None), ("Ann2", Some(9)), ("carl", Some(3)), ("bert", None)] {
        let sighting = Sighting {
            place: "authorization:bearer".to_owned(),
            source: home(),
            parent: None,
            inherits: true,
            claim: None,
        };
        let key = house.desk.authority.adopt(&SecretDigest::of(name.as_bytes()), &sighting, now()).await.unwrap();
        let end = end.map(|days| now() + SignedDuration::from_hours(24 * days));
        let identity = Identity { name: name.to_owned(), end, ..Identity::default() };
        house.desk.authority.identify(key.id, &identity, now()).await.unwrap();
        keys.push(key.id);
        pass(60);
    }
    let [dora, ann, carl, bert] = keys[..] else { panic!("four keys") };
    let local = Program::new(house.admin(Door::Local));
    assert_eq!(ids(&local, "sort=holder").await, [ann, bert, carl, dora]);
    assert_eq!(ids(&local, "sort=holder&reverse=true").await, [dora, carl, bert, ann]);
    assert_eq!(ids(&local, "sort=end").await, [carl, ann, dora, bert]);
    assert_eq!(ids(&local, "sort=end&reverse=true").await, [ann, carl, bert, dora], "still last");
    let page = list(&local, "sort=holder&limit=2&offset=1").await;
    assert_eq!((page.keys.iter().map(|key| key.id).collect::<Vec<_>>(), page.found), (vec![bert, carl], 4));
    assert_eq!(ids(&local, &format!("after={ann}&limit=1")).await, [carl]);
    assert_eq!(ids(&local, "no_end=true&sort=born&reverse=true").await, [bert, dora]);
    for refused in ["sort=colour", "limit=-1", "idle=soon", "without_factor=perhaps"] {
        assert_eq!(local.get(&format!("/v1/keys?{refused}")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn idle_is_what_is_known_not_to_be_used_and_nothing_else() {
    let house = House::new().await;
    let (used, unused) = (house.key_of("ann", "one").await, house.key_of("bob", "two").await);
    let local = Program::new(house.admin(Door::Local));
    let book = house.desk.book.clone().unwrap();
    while !book.usage_is_complete() {
        std::thread::yield_now();
    }
    pass(40 * 86_400);
    // The record begins here: what was before, nobody knows.
    book.intent(call(1, Some(used), "GET /users", Power::Read.into(), Verdict::Permit)).unwrap();
    book.synced().await.unwrap();
    assert_eq!(ids(&local, "idle=30d").await, []);
    pass(31 * 86_400);
    assert_eq!(ids(&local, "idle=30d").await, [used, unused]);
    book.intent(call(2, Some(used), "GET /users", Power::Read.into(), Verdict::Permit)).unwrap();
    book.synced().await.unwrap();
    assert_eq!(ids(&local, "idle=30d").await, [unused]);
    assert_eq!(ids(&local, "sort=last-used").await, [used, unused], "what was never used is not known");
    house
        .desk
        .authority
        .perform(&Command::DisableKey(unused, "idle".to_owned()), Warrant::Operator, now())
        .await
        .unwrap();
    assert_eq!(ids(&local, "idle=30d").await, [], "what does not work is not idle");
}
