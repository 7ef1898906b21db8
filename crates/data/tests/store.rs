//! Files are stored in one step.

use lowshot_data::{WriteError, json_bytes, write_atomic};

#[test]
fn files_are_made_and_replaced_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    write_atomic(&path, b"one").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    write_atomic(&path, b"").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_refused_write_leaves_the_old_state() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("inside"), b"kept").unwrap();
    let error = write_atomic(&taken, b"x").unwrap_err();
    assert!(matches!(&error, WriteError::Io { action: "put the new file in its place", .. }), "{error}");
    assert_eq!(std::fs::read(taken.join("inside")).unwrap(), b"kept");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is removed");

    let error = write_atomic(&folder.path().join("no/such/folder"), b"x").unwrap_err();
    assert!(error.to_string().contains("cannot create a file beside it"), "{error}");
    assert!(write_atomic("/".as_ref(), b"x").unwrap_err().to_string().contains("names no file"));
}

#[test]
fn threads_writing_one_file_leave_one_whole_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let versions: Vec<Vec<u8>> = (0..8_u8).map(|version| vec![version; 50_000]).collect();
    std::thread::scope(|scope| {
        for version in &versions {
            let path = &path;
            scope.spawn(move || (0..5).for_each(|_| write_atomic(path, version).unwrap()));
        }
    });
    assert!(versions.contains(&std::fs::read(&path).unwrap()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn json_ends_with_a_newline() {
    assert_eq!(json_bytes(&[1, 2]).unwrap(), b"[\n  1,\n  2\n]\n");
    let by_pair = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(json_bytes(&by_pair).unwrap_err().to_string().contains("cannot write JSON"));
}
