//! The examples of docs/inventories.md, each tried on an answer written after the system's own
//! documentation, and tables as people really have them.

#![expect(clippy::unwrap_used, reason = "what panics here is a failed test")]

use std::{fs, io::Cursor, path::PathBuf};

use audit::{
    Audit, Maps, Settings,
    estate::{Key, Known, Moment, Standing},
    report::Report,
};
use law::{Power, Powers};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read_with(name: &str, bytes: Vec<u8>, map: &[&str]) -> Report {
    let map = Maps::of(map.iter().copied()).unwrap();
    let mut audit = Audit::new(Settings { map, ..Settings::at("2026-11-29T00:00:00Z".parse().unwrap()) });
    audit.read(name, Cursor::new(bytes));
    audit.finish()
}

fn read(text: &str) -> Report {
    read_with("keys.csv", text.as_bytes().to_vec(), &[])
}

/// The example of the paper, as the paper has it.
fn example(name: &str) -> Report {
    let paper = fs::read_to_string(root().join("../../docs/inventories.md")).unwrap();
    let command = paper.lines().find_map(|line| line.strip_prefix(&format!("greave audit {name} "))).unwrap();
    let maps: Vec<&str> = command.split("--map ").map(str::trim).filter(|map| !map.is_empty()).collect();
    let report = read_with(name, fs::read(root().join("tests/inventories").join(name)).unwrap(), &maps);
    assert_eq!(report.estate.troubles, [], "{name}");
    report
}

fn key<'r>(report: &'r Report, id: &str) -> &'r Key {
    report.estate.keys.iter().find(|key| key.id == id).unwrap_or_else(|| panic_with(report, id))
}

#[expect(clippy::panic, reason = "a failed test says what there was")]
fn panic_with(report: &Report, id: &str) -> ! {
    panic!("{id} in {:?} {:?}", report.estate.keys, report.estate.troubles)
}

fn day(text: &str) -> Moment {
    Moment::At(format!("{text}T00:00:00Z").parse().unwrap())
}

#[test]
fn one_list_of_people_joins_the_accounts_of_several_systems() {
    let paper = fs::read_to_string(root().join("../../docs/inventories.md")).unwrap();
    let people = paper.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
    let keys = "key,system,holder\nk1,aws:111122223333,ann\nk2,github,ann-gh\nk3,github,bobby\n";
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    for (name, text) in [("keys.csv", keys), ("people.csv", people)] {
        assert!(audit.read(name, Cursor::new(text.as_bytes().to_vec())), "{name}");
    }
    let report = audit.finish();
    let account = |label: &str| report.estate.accounts.iter().find(|account| account.label() == label).unwrap();
    let also = |label: &str| -> Vec<String> {
        let mut all: Vec<String> = account(label).also.iter().map(|ix| report.estate.accounts[*ix].label()).collect();
        all.sort();
        all
    };
    assert_eq!(also("aws:111122223333/ann"), ["ann", "github/ann-gh"]);
    assert_eq!(account("github/bobby").left, Known::Yes, "who left in one system has left in all");
    assert_eq!(report.estate.keys.len(), 3, "a list of people has no keys");
}

#[test]
fn the_example_for_okta() {
    let report = example("okta.json");
    let token = key(&report, "00Tabcdefg1234567890");
    assert_eq!(report.estate.holders(token).next().unwrap().name, "00uabcdefg1234567890");
    assert_eq!(token.name.as_deref(), Some("My API Token"));
    assert_eq!(token.born, Moment::At("2025-11-09T20:38:10Z".parse().unwrap()));
    assert_eq!(token.last_use, Moment::At("2026-11-11T20:38:10Z".parse().unwrap()));
    assert!(token.lives(report.as_of) && !key(&report, "00T1234567890abcdefg").lives(report.as_of));
    assert!(token.without.perhaps.is_sensitive() && !token.without.surely.is_sensitive());
}

#[test]
fn the_example_for_gitlab() {
    let report = example("gitlab.json");
    let token = key(&report, "4");
    assert_eq!(report.estate.holders(token).next().unwrap().name, "24");
    assert_eq!((token.end, token.standing), (Moment::Unknown, Standing::Active));
    assert!(token.without.perhaps.contains(Power::Mint), "`api` is perhaps everything");
    assert_eq!(key(&report, "5").end, day("2027-01-31"));
    assert!(key(&report, "5").without.surely.contains(Power::Write));
    assert_eq!(key(&report, "6").standing, Standing::Disabled);
}

#[test]
fn the_example_for_gitea() {
    let report = example("gitea.json");
    assert_eq!(key(&report, "1").without.surely, Powers::EVERY);
    assert_eq!(report.estate.holders(key(&report, "1")).next().unwrap().name, "ann");
    assert_eq!(key(&report, "2").without.reckoned(), Power::Read.into());
    assert_eq!(key(&report, "2").born, Moment::At("2026-10-01T08:00:00Z".parse().unwrap()));
}

#[test]
fn the_example_for_google_cloud() {
    let report = example("google.json");
    let of = |id: &str| format!("projects/p/serviceAccounts/ci@p.iam.gserviceaccount.com/keys/{id}");
    let living = key(&report, &of("90c48f61c65cd56224a12ab18e6ee9ca9c3aee7c"));
    assert_eq!((living.end, living.born), (Moment::Never, Moment::At("2024-03-01T10:00:00Z".parse().unwrap())));
    assert_eq!(report.estate.holders(living).next().unwrap().name, "ci@p.iam.gserviceaccount.com");
    assert_eq!(key(&report, &of("0a7f61c65cd56224a12ab18e6ee9ca9c3aee7c90")).standing, Standing::Disabled);
}

#[test]
fn the_example_for_kubernetes() {
    let report = example("kubernetes.json");
    let token = key(&report, "build-robot-secret");
    assert_eq!((token.realm.as_str(), token.form.as_str()), ("ci", "kubernetes.io/service-account-token"));
    assert_eq!(report.estate.holders(token).next().unwrap().name, "build-robot");
    assert_eq!(token.last_use, day("2026-11-24"));
    assert_eq!(key(&report, "default-token-x2x9z").last_use, Moment::Unknown);
}

#[test]
fn a_gates_own_export_is_an_inventory_with_its_powers() {
    let csv = read(
        "id,name,holder,kind,holder_left,holder_two_factor,owner,owner_left,owner_enrolled,owner_two_factor,answerers,standing,parent_stopped,stopped_since,reach,without_second_factor,born,end,past_limit,last_used,last_source,scopes\n\
         k1,month-end,odile,person,false,true,odile,false,true,true,odile,active,false,,read export write mint,read write,2026-01-01T00:00:00Z,,true,2026-11-28T00:00:00Z,192.0.2.7,everything?\n\
         k2,,ci,workload,false,,tom,true,false,false,,active,false,,read mint,read mint,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,false,,,\n\
         k3,,ci,workload,false,,tom,true,false,false,,active,true,,,,2026-01-01T00:00:00Z,,false,,,\n\
         k4,,ci,workload,false,,tom,true,false,false,,revoked,false,2026-02-01T00:00:00Z,,,2026-01-01T00:00:00Z,,false,,,\n",
    );
    let json = read_with(
        "keys.json",
        br#"[{"id":"k1","name":"month-end","holder":"odile","kind":"person","holder_left":false,"owner":"odile","owner_left":false,"owner_enrolled":true,"owner_two_factor":true,"answerers":["odile"],"two_factor":true,"reach":["read","export","write","mint"],"without_second_factor":["read","write"],"place":"header authorization","born":"2026-01-01T00:00:00Z","past_limit":true,"standing":"active","last_used":{"at":"2026-11-28T00:00:00Z","source":"192.0.2.7"},"passed":3,"stopped":0}]"#.to_vec(),
        &[],
    );
    for report in [&csv, &json] {
        let k1 = key(report, "k1");
        assert_eq!(k1.with.surely, Powers::from(Power::Read).with(Power::Export).with(Power::Write).with(Power::Mint));
        assert_eq!(k1.without.surely, Powers::from(Power::Read).with(Power::Write));
        assert_eq!(k1.without.perhaps, Powers::NONE);
        assert_eq!(k1.last_use, day("2026-11-28"));
        assert_eq!(k1.standing, Standing::Active, "how often it was stopped is no standing");
        let holder = report.estate.holders(k1).next().unwrap();
        assert_eq!((holder.second_factor, holder.left), (Known::Yes, Known::No));
        assert_eq!(report.estate.troubles, []);
    }
    assert!(key(&csv, "k2").without.surely.contains(Power::Mint));
    assert_eq!(csv.estate.named("", "tom").unwrap().left, Known::Yes);
    assert_eq!([key(&csv, "k3").standing, key(&csv, "k4").standing], [Standing::Disabled; 2]);
}

#[test]
fn tables_as_people_have_them() {
    let semicolons = "\u{feff}Key ID;Contact Person;User Name;2FA enabled;Date created;Expiry date;Last used\r\n\
                      A-1;Odile;ann;Enforced;31.12.2025;31.12.2026 23:59;n/a\r\n";
    let tabs: Vec<u8> =
        "Token ID\tLogin\tMFA\tCreated On\tExpires\tLast Use\nA-1\tann\tYES\t12/31/2025\tnever\t45992\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
    let lines = b"{\"token_id\":\"A-1\",\"user\":{\"login\":\"ann\"},\"mfa\":1,\"createdAt\":1767139200000,\"expires_at\":null}\n{\"token_id\":\"B\",\"user\":\"bob\",\"mfa\":\"off\"}\n";
    for (name, bytes) in [
        ("semicolons", semicolons.as_bytes().to_vec()),
        ("utf-16", [vec![0xff, 0xfe], tabs].concat()),
        ("lines", lines.to_vec()),
    ] {
        let report = read_with(name, bytes, &[]);
        assert_eq!(report.estate.troubles, [], "{name}");
        let key = key(&report, "A-1");
        assert_eq!(key.born, day("2025-12-31"), "{name}");
        let holder = report.estate.holders(key).next().unwrap();
        assert_eq!((holder.name.as_str(), holder.second_factor), ("ann", Known::Yes), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_or_with_the_map_that_would_do() {
    let report = read("key,created,mfa\na,03/04/2026,yes\nb,2026-01-01,perhaps\n");
    let told: Vec<String> = report.estate.troubles.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "keys.csv:2: the column for `born` cannot be read; it counts as unknown",
            "keys.csv:3: the column for `second_factor` cannot be read; it counts as unknown"
        ]
    );
    let report = read("Serial,Contact of the token,Opened\n1,ann,2026-01-01\n");
    assert!(report.estate.troubles[0].why.contains("try --map"), "{:?}", report.estate.troubles);
    let report = read("hunter2,correct horse\nx,y\n");
    assert!(!report.estate.troubles[0].why.contains("hunter2"), "a first line may be no head");
}

#[test]
fn a_list_of_invoices_is_no_list_of_keys() {
    let invoices = "number,supplier,account,amount,issued,due\nW-1,Acme,DE02 1203,12.50,2026-01-01,2026-02-01\n";
    let report = read(invoices);
    assert_eq!((report.estate.keys.len(), report.estate.accounts.len(), report.estate.sources.len()), (0, 0, 0));
    let trouble = report.estate.troubles[0].to_string();
    assert!(trouble.contains("no column is known to name a key") && trouble.contains("--map"), "{trouble}");
    let map = ["key=number", "born=issued"];
    assert_eq!(read_with("keys.csv", invoices.into(), &map).estate.keys.len(), 1, "whoever says so has it read");
}
