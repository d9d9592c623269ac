//! The lists that an operator goes by: which keys there are, what they reach, who has them.

use authority::{Command, Description, Identity, OnLeaving, Order, Scope, SecretDigest, Sighting, Warrant};
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
    house
        .desk
        .authority
        .perform(&Command::Leave(house.bob.id, OnLeaving::Disable), Warrant::Operator, now())
        .await
        .unwrap();
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
async fn whose_keys_go_on_when_they_leave_is_as_configured_and_never_lifts_what_was_stopped() {
    let house = House::new().await;
    let (key, program) = (house.key_of("bob", "one").await, house.issued(house.bob.id).await);
    let local = Program::new(house.admin(Door::Local));
    let works = |key| house.desk.authority.refusal(key, now()).is_none();
    let holders = async || -> api::HolderList { serde_json::from_str(&local.get("/v1/holders").await.text).unwrap() };
    let set = |on_leaving| {
        let settings = console::Settings { on_leaving, ..(**house.desk.settings.load()).clone() };
        house.desk.settings.store(std::sync::Arc::new(settings));
    };
    let leave = async || local.call("POST", "/v1/holders/bob/left", "").await.json();

    set(OnLeaving::List);
    let left = leave().await;
    assert_eq!((&left["keys_go_on"], &left["keys_working"]), (&true.into(), &1.into()));
    assert!(works(key) && works(program));
    let summary = holders().await.summary;
    assert_eq!(summary.of_leavers, api::KeyCount { known: 1, working: 1 });
    assert_eq!((summary.without_owner.known, summary.programs_without_owner), (1, 1), "its owner has left");
    assert_eq!(ids(&local, "leavers=true&working=true").await, [key]);

    set(OnLeaving::Disable);
    assert_eq!(leave().await["keys_working"], 0);
    assert!(!works(key));
    set(OnLeaving::List);
    assert_eq!(leave().await["keys_go_on"], false, "said again, it lifts nothing");
    assert!(!works(key));

    let proof = |code: String| serde_json::json!({"as": "ann", "code": code}).to_string();
    let back = local.call("POST", "/v1/holders/bob/return", &proof(house.ann.code())).await;
    assert_eq!((back.status, back.json()["keys_working"].clone()), (StatusCode::OK, 1.into()));
    assert!(works(key));
}

#[tokio::test]
async fn who_could_make_another_key_is_counted_under_the_law_in_force() {
    let house = House::new().await;
    house.key_of("ann", "one").await;
    house.key_of("bob", "two").await;
    house.key_of("bob", "three").await;
    let stranger = house.key_of("carol", "four").await;
    house.issued(house.bob.id).await;
    let local = Program::new(house.admin(Door::Local));
    let minting = async || {
        let list: api::HolderList = serde_json::from_str(&local.get("/v1/holders").await.text).unwrap();
        list.summary.minting
    };
    let counts =
        |of: &api::Minting| (of.keys, of.keys_without_factor, of.holders, of.holders_without_factor, of.undescribed);
    let enforced = minting().await;
    assert_eq!(counts(&enforced), (3, 0, 2, 0, 0), "each asks a person");
    let observing = authority::Offer::of_law(law("observe until 2027-01-15"));
    house.desk.authority.load(&observing, now()).await.unwrap();
    let waiting = house.desk.authority.view(|state| state.waiting().map(|waiting| waiting.digest)).unwrap();
    house.desk.authority.perform(&Command::AcceptLaw(waiting), house.warrant_of_ann().await, now()).await.unwrap();
    let observed = minting().await;
    assert_eq!(counts(&observed), (4, 4, 3, 3, 4), "nobody is asked, and what nobody describes passes, too");
    assert_eq!(observed.who.first().map(|minter| (minter.holder.as_deref(), minter.keys)), Some((Some("bob"), 2)));
    house
        .desk
        .authority
        .perform(&Command::DisableKey(stranger, "x".to_owned()), Warrant::Operator, now())
        .await
        .unwrap();
    assert_eq!(minting().await.keys, 3, "what does not work makes nothing");
}

#[tokio::test]
async fn the_expiry_report_counts_ends_ahead_and_lives_that_are_over() {
    let house = House::new().await;
    let (short, kept) = (house.key_of("ann", "one").await, house.key_of("bob", "two").await);
    house.issued(house.bob.id).await;
    let local = Program::new(house.admin(Door::Local));
    let report = async || -> api::ExpiryReport { serde_json::from_str(&local.get("/v1/expiry").await.text).unwrap() };
    let of = |some: &[api::Within]| some.iter().map(|it| it.keys).collect::<Vec<_>>();
    let first = report().await;
    assert_eq!((first.working, first.no_end, first.past_limit), (3, 2, 0));
    assert_eq!((of(&first.ends), first.next.len(), first.lived.keys), (vec![0, 1, 1], 1, 0));

    pass(10 * 86_400);
    let disable = Command::DisableKey(short, "a test".to_owned());
    house.desk.authority.perform(&disable, Warrant::Operator, now()).await.unwrap();
    pass(90 * 86_400);
    let later = report().await;
    let days = |span: Option<law::Span>| span.map(|span| span.as_secs() / 86_400);
    assert_eq!((later.working, later.lived.keys), (1, 2), "one was disabled, one ended by itself");
    assert_eq!((days(later.lived.median), days(later.lived.longest)), (Some(10), Some(30)));
    assert_eq!(later.never_rotated, 1, "bob's own key is old, and the only one that he ever had");
    assert_eq!(later.ages.keys, 1);
    // Stopping the rest for good moves no moment that is known.
    house
        .desk
        .authority
        .perform(&Command::Leave(house.bob.id, OnLeaving::Disable), Warrant::Operator, now())
        .await
        .unwrap();
    pass(86_400);
    let revoke = Command::RevokeKey { key: kept, children: false, why: "left".to_owned() };
    house.desk.authority.perform(&revoke, Warrant::Operator, now()).await.unwrap();
    let last = report().await;
    assert_eq!((last.working, last.lived.keys), (0, 3));
    assert!(last.lived.longest.is_some_and(|longest| longest < law::Span::days(101)), "{:?}", last.lived.longest);
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
