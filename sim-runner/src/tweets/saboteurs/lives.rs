//! Clients and terminals that confuse their incarnations: they repeat identifiers of an earlier one, or take answers to
//! it. Only clients and terminals that start again show these bugs.

use aviary::ids::ProcessId;
use aviary::mix::Seed;
use aviary::tweets::site::{Message, Note, Request, RequestId};

use super::Saboteur;
use super::liar::Lie;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "client-starts-each-life-with-one-seed",
        "A client draws nonces and ids from a seed made of its number alone, so that they are the same in each life.",
        Lie::Seeds(|_, id| Seed(id.number().into())),
    ),
    Saboteur::new(
        "client-counts-its-queries-from-one",
        "A client numbers its queries 1, 2 and so on in each life.",
        Lie::Renames(
            |message, memory| {
                if let Message::Query { id, .. } = message {
                    memory.renamed.0 = *id & !LOW;
                    *id &= LOW;
                }
            },
            |message, memory| {
                if let Message::QueryReply { id, .. } | Message::Behind { id, .. } = message {
                    *id |= memory.renamed.0;
                }
            },
            |note, _| {
                if let Note::QuorumReply(id, ..) = note {
                    *id &= LOW;
                }
            },
        ),
    ),
    Saboteur::new(
        "client-counts-its-openings-from-one",
        "A client opens its sessions with nonces 1, 2 and so on in each life.",
        Lie::Renames(
            |message, memory| {
                if let Message::Request { request: Request::Open { nonce, .. } } = message {
                    if memory.renamed.0 != *nonce {
                        memory.renamed = (*nonce, memory.renamed.1 + 1);
                    }
                    *nonce = memory.renamed.1;
                }
            },
            |message, memory| {
                if let Message::Taken { id }
                | Message::Applied { id, .. }
                | Message::Expired { id, .. }
                | Message::Busy { id, .. } = message
                    && let RequestId::Open { nonce, .. } = id
                    && *nonce == memory.renamed.1
                {
                    *nonce = memory.renamed.0;
                }
            },
            |_, _| {},
        ),
    ),
    Saboteur::new(
        "terminal-keeps-its-seed",
        "A terminal draws nonces and ids from the number of its site alone, so that a restart repeats them.",
        Lie::Seeds(|seed, id| match id {
            ProcessId::Terminal(site) => Seed(site.number().into()),
            _ => seed,
        }),
    ),
    Saboteur::new(
        "terminal-takes-any-answer-for-its-session",
        "A terminal that opens a session takes any answer for the opening, even an answer to its earlier life.",
        Lie::Renames(
            |message, memory| {
                if let Message::Request { request } = message
                    && let ProcessId::Terminal(_) = request.client()
                {
                    memory.asked = Some(request.id());
                }
            },
            |message, memory| {
                if let (Message::Applied { id, .. }, Some(opening @ RequestId::Open { .. })) =
                    (message, memory.asked)
                {
                    *id = opening;
                }
            },
            |_, _| {},
        ),
    ),
];

/// The counting part of a query's id; the other bits name the incarnation.
const LOW: u64 = u32::MAX as u64;
