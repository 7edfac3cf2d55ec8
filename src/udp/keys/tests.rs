//! Key files are read back and refused, and derived keys never change.

use super::*;

#[test]
fn a_key_is_read_back_unless_others_can_read_it() {
    let folder = std::env::temp_dir().join(format!("aviary-keys-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("cluster.key");
    let _ = fs::remove_file(&path);
    let key = Key::random().unwrap();
    key.write(&path, KeyKind::Cluster).unwrap();
    assert_eq!(Key::read(&path, KeyKind::Cluster).unwrap().bytes(), key.bytes());
    assert!(key.write(&path, KeyKind::Cluster).is_err(), "no key is overwritten");
    let error = ClientKey::read(&path).unwrap_err().to_string();
    assert!(error.ends_with("as `site client-key` writes them"), "{error}");
    let error = Key::read(&path, KeyKind::ClientMaster).unwrap_err().to_string();
    assert!(error.ends_with("holds no client master key: expected the line \"aviary client master key 1\" and a line of 64 hexadecimal digits"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Key::read(&path, KeyKind::Cluster).unwrap_err().to_string();
    assert!(error.contains("(mode 640): `chmod 600 "), "{error}");
    let client = folder.join("client.key");
    let _ = fs::remove_file(&client);
    let third = key.client_key(KeyNumber(3));
    third.write(&client).unwrap();
    let read = ClientKey::read(&client).unwrap();
    assert_eq!((read.number, read.key.bytes()), (third.number, third.key.bytes()));
    assert!(Key::read(&client, KeyKind::ClientMaster).is_err(), "no client key is a master key");
    // A file of the earlier format.
    fs::write(&client, format!("aviary client key 1\n{}\n", "0".repeat(64))).unwrap();
    for error in [
        ClientKey::read(&client).unwrap_err().to_string(),
        Key::read(&client, KeyKind::ClientMaster).unwrap_err().to_string(),
    ] {
        assert!(error.contains("of an earlier version"), "{error}");
        assert!(error.contains("`site client-key --number 0 --output client.key`"), "{error}");
    }
    fs::remove_dir_all(&folder).unwrap();
    let error = Key::read(&path, KeyKind::Cluster).unwrap_err().to_string();
    assert!(error.contains("failed to open the key"), "{error}");
}

#[test]
fn what_is_no_key_is_refused() {
    let digits = "0123456789abcdef".repeat(4);
    let parse = |text: String| Key::parse(text.as_bytes(), KeyKind::Cluster);
    assert!(parse(format!("aviary cluster key 1\n{digits}\n")).is_some());
    for wrong in [
        String::new(),
        digits.clone(),
        format!("aviary cluster key 2\n{digits}"),
        format!("aviary cluster key 1\n{digits}0"),
        format!("aviary cluster key 1\n{}", &digits[1..]),
        format!("aviary cluster key 1\n{}", digits.replace('f', "g")),
        format!("aviary cluster key 1\n+{}", &digits[1..]),
    ] {
        assert!(parse(wrong.clone()).is_none(), "{wrong}");
    }
    let parse = |text: String| ClientKey::parse(text.as_bytes());
    let read = parse(format!("aviary client key 2\nnumber 63\nclients 64512 to 65535\n{digits}\n"));
    assert_eq!(read.map(|key| key.number), KeyNumber::new(63));
    for wrong in [
        format!("aviary client key 2\n{digits}"),
        format!("aviary client key 2\nnumber 64\nclients 65536 to 66559\n{digits}"),
        format!("aviary client key 2\nnumber 1\nclients 0 to 1023\n{digits}"),
        format!("aviary client key 2\nnumber 0\nclients 0 to 1023\n{}", &digits[1..]),
        format!("aviary client key 2\nnumber 0\nclients 0 to 1023\n{digits}\n{digits}"),
        format!("aviary client key 3\nnumber 0\nclients 0 to 1023\n{digits}"),
    ] {
        assert!(parse(wrong.clone()).is_none(), "{wrong}");
    }
}

#[test]
fn every_client_belongs_to_one_key() {
    for client in 0..=u16::MAX {
        let key = KeyNumber::of(client);
        assert!(key.clients().contains(&client), "{client}: {key:?}");
        assert_eq!(KeyNumber::all().filter(|key| key.clients().contains(&client)).count(), 1);
    }
    assert_eq!((KeyNumber::new(63), KeyNumber::new(64)), (Some(KeyNumber(63)), None));
}

/// Every number, cluster and direction has a key of its own, and none equals the key that it is derived from. The
/// values are pinned: others would lock every client out.
#[test]
fn derived_keys_all_differ_and_never_change() {
    let master = Key::from_bytes([7; 32]);
    let mut seen = std::collections::BTreeSet::from([master.bytes()]);
    for number in KeyNumber::all() {
        let key = master.client_key(number);
        assert!(seen.insert(key.key.bytes()), "{number:?}");
        for cluster in [1, 2] {
            for direction in [Direction::ToSites, Direction::ToClients] {
                assert!(seen.insert(key.datagram_key(cluster, direction).bytes()), "{number:?}");
            }
        }
    }
    let hex = |key: Key| key.bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let key = master.client_key(KeyNumber(3));
    assert_eq!(hex(key.key.clone()), "4b6db9f4dfa3300e");
    assert_eq!(hex(key.datagram_key(5, Direction::ToSites)), "90d7d6e2a20fea5c");
    assert_eq!(hex(key.datagram_key(5, Direction::ToClients)), "ec656bc63f7eaf25");
}
