use url::Url;

use super::*;

fn local() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let url = Url::from_directory_path(directory.path().join("a b=ü%20#1")).unwrap();
    let store = Store::open(&Location::from_url(url).unwrap()).unwrap();
    (directory, store)
}

fn in_memory() -> Store {
    let location = Location::from_url(Url::parse("s3://bucket/some/where/").unwrap()).unwrap();
    Store::from_object_store(&location, Arc::new(object_store::memory::InMemory::new())).unwrap()
}

fn paths(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(|object| object.path.as_str()).collect()
}

/// One contract, every store.
fn conformance(store: &Store) {
    let names = ["a b/c=d/ü é.parquet", "a b/c", "z", "50%/x%20y", "q?r#s&t+u~v"];
    assert_eq!(store.list("").unwrap(), [], "nothing yet");
    assert_eq!(store.list("none").unwrap(), []);
    assert_eq!(store.head("z").unwrap(), None);
    assert!(matches!(store.get("z"), Err(StoreError::NotFound { .. })));
    for name in names {
        store.put(name, Bytes::copy_from_slice(name.as_bytes())).unwrap();
        assert_eq!(store.get(name).unwrap(), name.as_bytes(), "{name}");
        let object = store.head(name).unwrap().unwrap();
        assert_eq!((object.path.as_str(), object.size), (name, name.len() as u64));
        assert_eq!(store.get_range(&object, 0..1).unwrap(), name.as_bytes()[..1], "{name}");
        assert_eq!(store.get_range(&object, 0..0).unwrap(), "", "{name}");
        assert!(store.get_range(&object, 1..object.size + 1).is_err(), "{name}");
    }
    let mut sorted = names;
    sorted.sort_unstable();
    let listed = store.list("").unwrap();
    assert_eq!(paths(&listed), sorted);
    for object in &listed {
        assert_eq!(store.head(&object.path).unwrap().as_ref(), Some(object), "etags too");
    }
    assert_eq!(paths(&store.list("a b").unwrap()), ["a b/c", "a b/c=d/ü é.parquet"]);

    let z = store.head("z").unwrap().unwrap();
    store.put("z", Bytes::from_static(b"longer")).unwrap();
    for range in [0..1, 0..0] {
        assert!(matches!(store.get_range(&z, range), Err(StoreError::Changed { .. })));
    }
    store.delete("z").unwrap();
    store.delete("z").unwrap();
    assert!(matches!(store.get_range(&z, 0..1), Err(StoreError::NotFound { .. })));

    store.put_new("once", Bytes::from_static(b"1")).unwrap();
    let again = store.put_new("once", Bytes::from_static(b"2"));
    assert!(matches!(again, Err(StoreError::AlreadyExists { .. })));
    assert_eq!(store.get("once").unwrap(), "1");
    store.copy("once", "deep/er/twice").unwrap();
    assert_eq!(store.get("deep/er/twice").unwrap(), "1");
    assert!(matches!(store.copy("none", "x"), Err(StoreError::NotFound { .. })));
    store.check_create_only("probe").unwrap();
    assert_eq!(store.head("probe").unwrap(), None);

    for size in [0, 5, 16 << 20, (32 << 20) + 7] {
        let bytes: Vec<u8> = (0..size).map(|at: u32| (at / 251).to_le_bytes()[0]).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        store.put_file("deep/file", file.path()).unwrap();
        assert!(store.get("deep/file").unwrap() == bytes, "{size} bytes");
    }
    assert!(store.put_file("deep/none", std::path::Path::new("none")).is_err());
    assert_eq!(store.head("deep/none").unwrap(), None);

    store.delete_below("deep").unwrap();
    store.delete_below("a b").unwrap();
    assert_eq!(paths(&store.list("").unwrap()), ["50%/x%20y", "once", "q?r#s&t+u~v"]);
}

#[test]
fn local_store_keeps_the_contract() {
    let (directory, store) = local();
    assert!(!directory.path().join("a b=ü%20#1").exists(), "opening writes nothing");
    conformance(&store);
    let base = store.location().url().to_file_path().unwrap();
    assert!(
        !base.join("deep").exists() && !base.join("a b").exists(),
        "no empty directories stay"
    );
}

#[test]
fn a_store_in_memory_keeps_the_contract() {
    conformance(&in_memory());
}

#[test]
fn a_local_copy_never_replaces() {
    let (_directory, store) = local();
    store.put("from", Bytes::from_static(b"1")).unwrap();
    store.copy("from", "to").unwrap();
    assert!(matches!(
        store.copy("from", "to"),
        Err(StoreError::AlreadyExists { .. })
    ));
    let base = store.location().url().to_file_path().unwrap();
    assert_eq!(std::fs::read_dir(base).unwrap().count(), 2, "no link stays behind");
}

#[test]
fn a_file_of_the_same_size_that_was_written_again_has_changed() {
    let (_directory, store) = local();
    store.put("x", Bytes::from_static(b"11")).unwrap();
    let object = store.head("x").unwrap().unwrap();
    store.put("x", Bytes::from_static(b"22")).unwrap();
    assert!(matches!(
        store.get_range(&object, 0..2),
        Err(StoreError::Changed { .. })
    ));
}

#[test]
fn empty_objects_that_stand_for_directories_are_left_out() {
    let store = in_memory();
    for (path, text) in [
        ("", ""),
        ("/u", ""),
        ("/u/d", ""),
        ("/u/d/x", "1"),
        ("/u-", ""),
        ("/u/e", ""),
    ] {
        let path = Path::parse(format!("some/where{path}")).unwrap();
        wait::Waiting::Runtime
            .wait(store.objects.put(&path, PutPayload::from(text)))
            .unwrap();
    }
    assert_eq!(paths(&store.list("").unwrap()), ["u-", "u/d/x", "u/e"]);
}

#[test]
fn a_long_listing_is_whole() {
    let store = in_memory();
    let beside: Vec<String> = (0..30).map(|file| format!("file {file:02}")).collect();
    let deep = (0..3_000).map(|file| format!("date={:02}/part={}/{file:04}", file % 40, file % 3));
    let mut all: Vec<String> = deep.chain(beside).chain(["date=41".to_owned()]).collect();
    for path in &all {
        store.put(path, Bytes::from_static(b"1")).unwrap();
    }
    // A directory beside the store's own, and one of its name with more after it.
    for path in ["some/wherever", "some/elsewhere/x"] {
        let path = Path::parse(path).unwrap();
        let put = store.objects.put(&path, PutPayload::from("1"));
        wait::Waiting::Runtime.wait(put).unwrap();
    }
    all.sort_unstable();
    assert_eq!(paths(&store.list("").unwrap()), all);
    assert_eq!(store.list("date=07").unwrap().len(), 75);
}

#[test]
fn reads_name_the_version_that_was_listed() {
    let store = in_memory();
    store.put("x", Bytes::from_static(b"11")).unwrap();
    let object = store.head("x").unwrap().unwrap();
    store.put("x", Bytes::from_static(b"22")).unwrap();
    // The store itself refuses: no answer is looked at.
    let read = wait::Waiting::Runtime.wait(store.fetch(&store.full("x").unwrap(), &object, 0..2));
    assert!(
        matches!(read, Err(object_store::Error::Precondition { .. })),
        "{read:?}"
    );
    let read = store.get_range(&object, 0..2);
    assert!(matches!(read, Err(StoreError::Changed { .. })), "{read:?}");
    let conditions = [("abc", Some("\"abc\"")), ("W/abc", None)];
    for (tag, condition) in conditions {
        assert_eq!(read::condition(tag).as_deref(), condition);
    }
}

#[test]
fn a_location_names_a_file_or_a_directory() {
    let (directory, store) = local();
    store.put("d/one file.csv", Bytes::from_static(b"1")).unwrap();
    store.put("d/two.csv", Bytes::from_static(b"22")).unwrap();
    let open = |path: &str| {
        let base = Url::from_directory_path(directory.path().join("a b=ü%20#1")).unwrap();
        let (store, objects) = Store::open_objects(&Location::from_url(base.join(path).unwrap()).unwrap())?;
        let read: Vec<_> = objects.iter().map(|object| store.get(&object.path).unwrap()).collect();
        Ok::<_, StoreError>((paths(&objects).join(","), read.concat()))
    };
    assert_eq!(
        open("d/one%20file.csv").unwrap(),
        ("one file.csv".to_owned(), b"1".to_vec())
    );
    assert_eq!(open("d").unwrap(), ("one file.csv,two.csv".to_owned(), b"122".to_vec()));
    assert_eq!(
        open("d/").unwrap(),
        ("one file.csv,two.csv".to_owned(), b"122".to_vec())
    );
    assert!(matches!(open("e"), Err(StoreError::NotFound { .. })));
    assert!(matches!(open("e/"), Err(StoreError::NotFound { .. })));
    assert!(matches!(open("d/two.csv/"), Err(StoreError::NotFound { .. })));
    std::fs::create_dir(store.location().url().to_file_path().unwrap().join("empty")).unwrap();
    assert_eq!(open("empty").unwrap(), (String::new(), Vec::new()));
}

#[test]
fn bucket_urls_open_without_a_network() {
    for url in ["s3://bucket/a b/c", "s3://bucket", "gs://bucket/x"] {
        let location = Location::from_url(Url::parse(url).unwrap()).unwrap();
        let store = Store::open(&location).unwrap();
        assert_eq!(
            store.root.as_ref(),
            if url.contains("a b") {
                "a b/c"
            } else {
                url.strip_prefix("gs://bucket/").unwrap_or("")
            }
        );
    }
    let elsewhere = Location::from_url(Url::parse("file://host/share").unwrap()).unwrap();
    let error = Store::open(&elsewhere).unwrap_err().to_string();
    assert_eq!(
        error,
        "file://host/share: Operation not supported: a file URL must name an absolute path on this machine"
    );
}
