//! The reader against archives of Ark v0.6, its own writer's, and hostile ones.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::archive::ArchiveWriter;

type Items = Vec<Result<(EntryPath, RawObject), ArchiveError>>;

/// What a future that never waits gives.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("chunks in memory are there at once")
}

/// Reads an archive that arrives in chunks of `chunk` bytes.
fn read_in(archive: &[u8], chunk: usize, limits: ArchiveLimits) -> Items {
    let chunks: Vec<Result<Bytes, ArchiveError>> =
        archive.chunks(chunk.max(1)).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    now(Entries::new(stream::iter(chunks), limits).into_stream().collect())
}

fn read(archive: &[u8]) -> Items {
    read_in(archive, 10_000, ArchiveLimits::default())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn object(name: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"shop"}}}}"#)
}

fn path(name: &str) -> String {
    format!("resources/configmaps/namespaces/shop/{name}.json")
}

/// A tar header of this sort and size, with any path at all.
fn header(path: &[u8], kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A tar file, entry by entry.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn raw(mut self, header: &tar::Header, content: &[u8]) -> Self {
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn entry(self, path: &str, kind: tar::EntryType, content: &str) -> Self {
        let header = header(path.as_bytes(), kind, content.len() as u64);
        self.raw(&header, content.as_bytes())
    }

    fn object(self, name: &str) -> Self {
        self.entry(&path(name), tar::EntryType::Regular, &object(name))
    }

    fn archive(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        gzip(&self.0)
    }
}

fn names(items: &Items) -> Vec<&str> {
    items.iter().filter_map(|item| item.as_ref().ok().map(|(path, _)| path.name())).collect()
}

/// The one error among the items.
fn the_error(items: &Items) -> &ArchiveError {
    let errors: Vec<&ArchiveError> = items.iter().filter_map(|item| item.as_ref().err()).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0]
}

#[test]
fn archives_of_ark_06_are_read_wholly() {
    for (name, expected) in [("world-all", 301), ("world-labelled", 9), ("world-shop", 66)] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/backups/ark-v0.6");
        let archive = std::fs::read(root.join(name).join(format!("{name}.tar.gz"))).expect("a fixture");
        for chunk in [97, archive.len()] {
            let items = read_in(&archive, chunk, ArchiveLimits::default());
            assert_eq!(items.len(), expected, "{name}");
            for item in &items {
                let (path, object) = item.as_ref().unwrap_or_else(|error| panic!("{error}"));
                assert!(object.value().is_ok(), "{path}");
            }
        }
    }
}

#[test]
fn directories_without_a_group_are_read_too() {
    let content = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"}}"#;
    let archive = Tar::default()
        .entry("./", tar::EntryType::Directory, "")
        .entry("./resources/deployments/", tar::EntryType::Directory, "")
        .entry("./resources/deployments/namespaces/shop/web.json", tar::EntryType::Regular, content)
        .entry("metadata/version", tar::EntryType::Regular, "1\n")
        .archive();
    let items = read(&archive);
    let (path, _) = items[0].as_ref().expect("an object");
    assert_eq!((items.len(), path.resource().to_string().as_str()), (1, "deployments"));
}

#[test]
fn long_paths_of_both_dialects_are_read() {
    let long = "n".repeat(300);
    let gnu = {
        let text = path(&long) + "\0";
        Tar::default()
            .entry("././@LongLink", tar::EntryType::GNULongName, &text)
            .entry("shortened", tar::EntryType::Regular, &object(&long))
            .object("after")
            .archive()
    };
    let mut writer = ArchiveWriter::new(0);
    for name in [long.as_str(), "after"] {
        writer.append(&path(name).parse().expect("a path"), object(name).as_bytes()).expect("new");
    }
    for archive in [gnu, writer.finish().tail] {
        assert_eq!(names(&read(&archive)), [long.as_str(), "after"]);
    }
}

#[test]
fn what_concerns_one_entry_is_named_and_reading_goes_on() {
    let regular = tar::EntryType::Regular;
    let bad = |path: &str| Tar::default().object("a").entry(path, regular, "{}").object("b").archive();
    for path in
        ["../../etc/passwd", "/etc/passwd", "resources/pods/namespaces/../x/y.json", "resources/a", "x\u{1b}[2J"]
    {
        let items = read(&bad(path));
        assert!(matches!(the_error(&items), ArchiveError::Path(_)), "{path}: {items:?}");
        assert_eq!(names(&items), ["a", "b"], "{path}");
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo, tar::EntryType::Char] {
        // Links claim sizes that they do not have.
        let archive = Tar::default().raw(&header(path("l").as_bytes(), kind, 4096), b"").object("b").archive();
        let items = read(&archive);
        assert!(matches!(the_error(&items), ArchiveError::NotAFile { .. }), "{kind:?}: {items:?}");
        assert_eq!(names(&items), ["b"]);
    }
    let not_utf8 = Tar::default().raw(&header(b"resources/\xff", regular, 0), b"").object("b").archive();
    assert!(matches!(the_error(&read(&not_utf8)), ArchiveError::Path(_)));
    let twice = read(&Tar::default().object("a").object("a").object("b").archive());
    assert!(matches!(the_error(&twice), ArchiveError::Duplicate { .. }));
    assert_eq!(names(&twice), ["a", "b"]);
    let other = read(&Tar::default().entry(&path("a"), regular, &object("z")).object("b").archive());
    assert!(matches!(the_error(&other), ArchiveError::Mismatch { .. }));
    assert_eq!(names(&other), ["b"]);
    let limits = ArchiveLimits { entry_bytes: 100, ..ArchiveLimits::default() };
    let large = Tar::default().entry(&path("a"), regular, &"x".repeat(101)).object("b").archive();
    let items = read_in(&large, 10, limits);
    assert!(matches!(the_error(&items), ArchiveError::EntryTooLarge { bytes: 101, limit: 100, .. }));
    assert_eq!(names(&items), ["b"]);
}

#[test]
fn what_makes_the_rest_a_guess_ends_the_reading() {
    let regular = tar::EntryType::Regular;
    let pax = |record: &str| Tar::default().entry("PaxHeaders", tar::EntryType::XHeader, record).object("b").archive();
    let mut wrong_sum = header(path("a").as_bytes(), regular, 0);
    wrong_sum.set_mtime(1);
    let mut lone = Tar::default().object("a").0;
    lone.resize(lone.len() + 512, 0);
    let mut beyond = Tar::default().object("a").0;
    beyond.resize(beyond.len() + 1024, 0);
    beyond.extend_from_slice(b"more");
    for (archive, why) in [
        (pax("9 size=1\n"), "a size in an extension"),
        (pax("99 path=x\n"), "a record that is longer than the header"),
        (pax("x path=x\n"), "a record without length"),
        (pax("4 x\n"), "a record without value"),
        (pax("0 path=x\n"), "a record of no length"),
        (Tar::default().raw(&wrong_sum, b"").archive(), "a wrong sum"),
        (Tar::default().raw(&header(path("a").as_bytes(), regular, u64::MAX), b"").archive(), "a size without end"),
        (gzip(&[&lone[..], &Tar::default().object("b").0].concat()), "one empty block"),
        (gzip(&beyond), "bytes after the end"),
        (gzip(&[b'x'; 4096]), "no tar file"),
        (b"PK\x03\x04 this is no gzip file at all".to_vec(), "no gzip file"),
        ([Tar::default().archive(), b"garbage".to_vec()].concat(), "garbage after the last member"),
    ] {
        let items = read(&archive);
        let error = items.last().and_then(|item| item.as_ref().err()).unwrap_or_else(|| panic!("{why} is accepted"));
        assert!(matches!(error, ArchiveError::Damaged { .. } | ArchiveError::Limit { .. }), "{why}: {error}");
        assert!(error.is_fatal());
    }
    let version = read(&Tar::default().entry("metadata/version", regular, "2\n").object("a").archive());
    assert_eq!(version, [Err(ArchiveError::Version)]);
}

#[test]
fn a_truncated_archive_never_looks_like_a_short_one() {
    let archive = Tar::default().object("a").object("b").archive();
    for length in 0..archive.len() {
        let items = read(&archive[..length]);
        let error = items.last().and_then(|item| item.as_ref().err());
        assert_eq!(error, Some(&ArchiveError::Truncated { bytes: length as u64 }), "{length} bytes");
    }
    let endless = gzip(&Tar::default().object("a").0);
    assert!(matches!(the_error(&read(&endless)), ArchiveError::Truncated { .. }));
}

#[test]
fn bombs_stop_at_the_limits() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let size = zeros.len() as u64;
    let bomb = gzip(&Tar::default().raw(&header(b"resources/zeros", tar::EntryType::Regular, size), &zeros).0);
    let stops = |limits: ArchiveLimits| {
        let items = read_in(&bomb, 4096, limits);
        matches!(items.last(), Some(Err(ArchiveError::Limit { .. })))
    };
    assert!(stops(ArchiveLimits { ratio_from: 1024 * 1024, ..ArchiveLimits::default() }));
    assert!(stops(ArchiveLimits { total_bytes: 1024 * 1024, ..ArchiveLimits::default() }));
    let many = (0..50).fold(Tar::default(), |tar, number| tar.object(&format!("n{number}"))).archive();
    let items = read_in(&many, 4096, ArchiveLimits { entries: 49, ..ArchiveLimits::default() });
    assert!(matches!(items.last(), Some(Err(ArchiveError::Limit { what: "entries", limit: 49 }))));
    assert_eq!(names(&items).len(), 49);
    let extension = Tar::default().entry("x", tar::EntryType::XHeader, &"x".repeat(100_000)).archive();
    assert!(matches!(the_error(&read(&extension)), ArchiveError::Limit { .. }));
}

#[test]
fn an_error_of_the_source_ends_the_reading_and_keeps_its_kind() {
    let archive = Tar::default().object("a").archive();
    let failure = ArchiveError::Read { message: "no answer".to_owned(), transient: true };
    let chunks = [Ok(Bytes::copy_from_slice(&archive[..20])), Err(failure.clone())];
    let entries = Entries::new(stream::iter(chunks), ArchiveLimits::default());
    let items: Items = now(entries.into_stream().collect());
    assert_eq!(items, [Err(failure)]);
}

#[test]
fn a_member_must_be_what_the_index_says() {
    let bytes = gzip(b"some content");
    let member = Member { offset: 0, length: bytes.len() as u64, uncompressed: 12 };
    assert_eq!(decode_member(&member, &bytes).expect("a member"), b"some content");
    for wrong in [
        Member { uncompressed: 11, ..member },
        Member { uncompressed: 13, ..member },
        Member { length: member.length + 1, ..member },
    ] {
        assert!(matches!(decode_member(&wrong, &bytes), Err(ArchiveError::Damaged { .. })), "{wrong:?}");
    }
    assert!(decode_member(&member, &vec![0; bytes.len()]).is_err());
}

fn any_objects() -> impl Strategy<Value = Vec<(String, String)>> {
    let text = "[ -~äß€\u{1}\\\\\"]{0,200}";
    prop::collection::btree_map("[a-z][a-z0-9.:-]{0,140}", (text, 0_usize..3000), 0..12).prop_map(|objects| {
        let content = |(name, (text, padding)): (String, (String, usize))| {
            let value = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": "shop"}, "data": {"text": text, "padding": "p".repeat(padding)}});
            (name, value.to_string())
        };
        objects.into_iter().map(content).collect()
    })
}

fn write(objects: &[(String, String)]) -> (Vec<u8>, Hash) {
    let mut writer = ArchiveWriter::new(1);
    for (name, content) in objects {
        writer.append(&path(name).parse().expect("a path"), content.as_bytes()).expect("names differ");
    }
    let finished = writer.finish();
    (finished.tail, finished.sha256)
}

proptest! {
    #[test]
    fn any_objects_in_any_chunks_round_trip(objects in any_objects(), chunk in 1_usize..5000) {
        let (archive, _) = write(&objects);
        let items = read_in(&archive, chunk, ArchiveLimits::default());
        prop_assert_eq!(items.len(), objects.len());
        for (item, (name, content)) in items.iter().zip(&objects) {
            let (path, object) = item.as_ref().expect("own entry");
            prop_assert_eq!(path.name(), name);
            prop_assert_eq!(object.bytes(), content.as_bytes());
        }
    }

    /// One wrong byte is found by gzip's checksums, or is in a header of gzip that says nothing; the SHA-256 finds it anyhow.
    #[test]
    fn one_wrong_byte_never_changes_an_object(objects in any_objects(), at in any::<prop::sample::Index>(), by in 1_u8..) {
        let (mut archive, sha256) = write(&objects);
        let at = at.index(archive.len());
        archive[at] ^= by;
        let chunks = [Ok::<_, ArchiveError>(Bytes::from(archive))];
        let mut entries = Entries::new(stream::iter(chunks), ArchiveLimits::default());
        let (mut found, mut failed) = (Vec::new(), false);
        while let Some(item) = now(entries.next()) {
            match item {
                Ok((path, object)) => found.push((path.name().to_owned(), object.bytes().to_vec())),
                Err(_) => failed = true,
            }
        }
        prop_assert!(failed || entries.digest().1 != sha256);
        if !failed {
            let expected: Vec<_> =
                objects.into_iter().map(|(name, content)| (name, content.into_bytes())).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), compressed in any::<bool>()) {
        let items = read(&if compressed { gzip(&bytes) } else { bytes });
        prop_assert!(items.iter().all(Result::is_err));
    }
}
