//! Properties of every parser: printing and reading undo each other, and no text makes one panic.

use api::human::ByteSize;
use api::schema::{Kind, Param, PropertySchema};
use api::{Repository, Ticket, Upid, calendar, form, kinds, property, upid};
use proptest::prelude::*;
use serde_json::{Map, Value};

const ANY: Kind = kinds::TEXT;
const PROPERTY: PropertySchema = PropertySchema {
    default_key: Some("a"),
    params: &[
        Param::optional("a", ANY),
        Param::optional("b", ANY),
        Param::optional("c", ANY),
    ],
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn nothing_panics(text in "\\PC*", wire in "[UPID:PBS0-9A-F!@%\\\\x/ =,\"*.\\[\\]a-z\\n;-]{0,80}") {
        for text in [&text, &wire] {
            let _ = text.parse::<Repository>();
            let _ = text.parse::<Upid>();
            let _ = format!("UPID:pbs:00000001:00000001:00000001:60000000:{text}:").parse::<Upid>();
            let _ = text.parse::<Ticket>();
            let _ = text.parse::<ByteSize>();
            let _ = text.parse::<calendar::Event>();
            let _ = form::decode(text.as_bytes());
            let _ = property::split(text);
            let _ = upid::unescape_id(text);
            let _ = PROPERTY.parse(text);
        }
    }

    #[test]
    fn worker_ids_round_trip(id in "\\PC*") {
        prop_assert_eq!(upid::unescape_id(&upid::escape_id(&id)), Some(id));
    }

    #[test]
    fn tickets_round_trip(data in "\\PC{0,40}", time in 0i64..=i64::MAX, signature in proptest::collection::vec(any::<u8>(), 0..80)) {
        // A percent sign is not escaped by the original, so it cannot come back.
        let data = data.replace('%', "");
        let ticket = Ticket { signature, ..Ticket::new("PBS", &data, time) };
        prop_assert_eq!(ticket.to_string().parse::<Ticket>(), Ok(ticket));
    }

    #[test]
    fn property_strings_round_trip(a in proptest::option::of("[ -~\\n]{0,12}"), b in proptest::option::of("[ -~\\n]{0,12}"), c in "[ -~]{0,12}") {
        let mut members = Map::new();
        members.extend(a.map(|a| ("a".to_owned(), Value::from(a))));
        members.extend(b.map(|b| ("b".to_owned(), Value::from(b))));
        members.insert("c".to_owned(), Value::from(c));
        prop_assert_eq!(PROPERTY.parse(&PROPERTY.print(&members)), Ok(members));
    }

    #[test]
    fn repositories_round_trip(auth in proptest::option::of("[a-z!@]{1,8}@[a-z]{2,4}(![a-z]{3,5})?"), host in "[a-z]{1,8}(\\.[a-z]{1,4})?", port in proptest::option::of(any::<u16>()), store in "[a-z]{3,8}") {
        let auth_id = match auth.as_deref().map(str::parse) {
            Some(Ok(auth_id)) => Some(auth_id),
            Some(Err(_)) => return Ok(()),
            None => None,
        };
        let repository = Repository { auth_id, host: Some(host), port, store: store.parse().unwrap() };
        let back: Repository = repository.to_string().parse().unwrap();
        prop_assert_eq!((back.auth_id(), back.host(), back.port(), &back.store), (repository.auth_id(), repository.host(), repository.port(), &repository.store));
    }

    #[test]
    fn forms_round_trip(a in "\\PC{0,20}", b in "\\PC{0,20}") {
        let text = format!("{}={}", form::escape(&a), form::escape(&b));
        prop_assert_eq!(form::decode(text.as_bytes()), Ok(vec![(a, b)]));
    }

    #[test]
    fn byte_sizes_print_what_they_read(number in 0u32..1_000_000, unit in "(|[kmgtpKMGTP]i?)[bB]?") {
        let size: ByteSize = format!("{number}{unit}").parse().unwrap();
        prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap().to_string(), size.to_string());
    }
}
