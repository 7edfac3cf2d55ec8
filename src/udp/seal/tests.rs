//! What is sealed opens with the right key in the right direction alone.

use super::*;
use proptest::prelude::*;

fn sealer(cluster: u64, keys: &Keys) -> Sealer {
    Sealer::new(cluster, keys, [7; 32])
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

fn keys(sites: Option<u8>, clients: Option<u8>) -> Keys {
    Keys { sites: sites.map(key), client_master: clients.map(key), denied: KeySet::default() }
}

fn number(number: u8) -> KeyNumber {
    KeyNumber::new(number).unwrap()
}

/// Clients of cluster 5 with these keys of this master.
fn clients(master: u8, numbers: &[u8]) -> Sealer {
    let keys: Vec<ClientKey> = numbers.iter().map(|it| key(master).client_key(number(*it))).collect();
    Sealer::of_clients(5, &keys, [8; 32])
}

fn party(sealer: &Sealer, sealed: &[u8]) -> Result<Party, Drop> {
    sealer.open(&mut sealed.to_vec()).map(|opened| opened.party)
}

#[test]
fn what_is_sealed_opens_with_the_same_key_alone() {
    let mut ours = sealer(5, &keys(Some(1), Some(2)));
    let mut out = Vec::new();
    assert!(ours.seal(Party::Sites, b"first", &mut out));
    assert_eq!(out.len(), SEAL_BYTES + 5);
    assert_eq!(party(&ours, &out), Ok(Party::Sites));
    assert_eq!(party(&sealer(5, &keys(Some(2), Some(2))), &out), Err(Drop::Key));
    assert_eq!(party(&sealer(5, &keys(None, Some(2))), &out), Err(Drop::Key));
    assert_eq!(party(&sealer(6, &keys(Some(1), Some(2))), &out), Err(Drop::Cluster));
    let mut client = clients(2, &[0, 9]);
    assert_eq!(party(&client, &out), Err(Drop::Key), "clients have no key of sites");
    assert!(!client.seal(Party::Sites, b"I am a site", &mut out));
    assert!(!client.seal(Party::Client(number(1)), b"I am of another key", &mut out));
    assert!(client.seal(Party::Client(number(9)), b"second", &mut out));
    let opened = ours.open(&mut out.clone()).map(|opened| (opened.party, opened.count, opened.frame.len()));
    assert_eq!(opened, Ok((Party::Client(number(9)), 1, 6)));
    assert_eq!(party(&sealer(5, &keys(Some(1), Some(3))), &out), Err(Drop::Key));
    assert_eq!(party(&sealer(5, &keys(Some(1), None)), &out), Err(Drop::Key));
    // The key byte claims another key: that of the sites, of another client, or of the other direction.
    for byte in [OF_SITES, TO_SITES, TO_SITES + 8, NOTICES + 9, 1, 63] {
        let mut forged = out.clone();
        forged[KEY_AT] = byte;
        assert!(ours.open(&mut forged).is_err(), "{byte}");
    }
}

/// The holder of a client key has the datagram keys of both directions for it, and no others.
#[test]
fn a_client_key_answers_no_other_client_and_no_datagram_of_a_client_is_an_answer() {
    let mut site = sealer(5, &keys(Some(1), Some(2)));
    let (mut a, b) = (clients(2, &[0]), clients(2, &[1]));
    let mut out = Vec::new();
    assert!(site.seal(Party::Client(number(1)), b"for B", &mut out));
    assert_eq!(party(&b, &out), Ok(Party::Client(number(1))));
    assert_eq!(party(&a, &out), Err(Drop::Key));
    assert_eq!(party(&site, &out), Err(Drop::Source), "no answer passes for a request");
    assert!(a.seal(Party::Client(number(0)), b"a request of A", &mut out));
    assert_eq!(party(&a, &out), Err(Drop::Source), "no request passes for an answer, not even to A");
    for byte in [TO_CLIENTS, TO_CLIENTS + 1] {
        let mut forged = out.clone();
        forged[KEY_AT] = byte;
        assert_eq!(party(&a, &forged), Err(Drop::Key));
        assert_eq!(party(&b, &forged), Err(Drop::Key));
    }
    let overhears = Sealer::of_bystander(5, &keys(Some(1), Some(2)));
    assert_eq!(party(&overhears, &out), Ok(Party::Client(number(0))));
}

#[test]
fn a_challenge_is_for_the_holder_of_its_key_alone_and_never_an_answer() {
    let mut site = sealer(5, &keys(Some(1), Some(2)));
    let challenge = Challenge { cookie: 77, count: 3, is_dropped: true };
    let mut out = Vec::new();
    assert!(site.notify(number(1), &Notice::Challenge(challenge), &mut out));
    let opened = |sealer: &Sealer| sealer.open(&mut out.clone()).map(|opened| opened.challenge());
    assert_eq!(opened(&clients(2, &[1])), Ok(Some(challenge)));
    assert_eq!(opened(&clients(2, &[0])), Err(Drop::Key));
    assert_eq!(opened(&site), Err(Drop::Source));
    let mut answer = out.clone();
    answer[KEY_AT] = TO_CLIENTS + 1;
    assert_eq!(party(&clients(2, &[1]), &answer), Err(Drop::Key));
    let mut client = clients(2, &[1]);
    assert!(client.seal_with(Party::Client(number(1)), 77, b"", &mut out));
    assert_eq!(site.claim(&out), Ok(SealClaim { party: Party::Client(number(1)), cookie: 77 }));
    out[COOKIE_AT] ^= 1;
    assert_eq!(party(&site, &out), Err(Drop::Key), "the cookie is sealed with the rest");
}

#[test]
fn a_denied_key_is_not_heard_and_the_others_are() {
    let mut keys = keys(Some(1), Some(2));
    assert!(keys.denied.insert(number(3)));
    let site = sealer(5, &keys);
    let mut client = clients(2, &[3, 4]);
    let mut out = Vec::new();
    client.seal(Party::Client(number(3)), b"hello", &mut out);
    assert_eq!(party(&site, &out), Err(Drop::Denied));
    client.seal(Party::Client(number(4)), b"hello", &mut out);
    assert_eq!(party(&site, &out), Ok(Party::Client(number(4))));
}

#[test]
fn nonces_differ_and_the_same_frame_never_looks_the_same() {
    let mut sealer = sealer(5, &keys(Some(1), None));
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    for _ in 0..1_000 {
        sealer.seal(Party::Sites, b"heartbeat", &mut out);
        assert!(seen.insert(out[NONCE_AT..SEALED_AT].to_vec()));
    }
}

proptest! {
    #[test]
    fn any_changed_bit_is_noticed(bit in 0usize..(SEAL_BYTES + 9) * 8) {
        let site = sealer(5, &keys(Some(1), Some(1)));
        let mut out = Vec::new();
        sealer(5, &keys(Some(1), None)).seal(Party::Sites, b"heartbeat", &mut out);
        out[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(site.open(&mut out).is_err());
        clients(1, &[5]).seal(Party::Client(number(5)), b"a request", &mut out);
        out[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(site.open(&mut out).is_err());
    }

    #[test]
    fn any_bytes_at_all_are_refused_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for sealer in [sealer(5, &keys(Some(1), Some(1))), clients(1, &[0, 63])] {
            prop_assert!(sealer.open(&mut bytes).is_err());
            let mut sealed_like = vec![VERSION];
            sealed_like.extend(5u64.to_le_bytes());
            sealed_like.extend(&bytes);
            prop_assert!(sealer.open(&mut sealed_like).is_err());
        }
    }
}
