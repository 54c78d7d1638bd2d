//! Who gets a place: so many in all, so many of one address, and a few kept for reserved pages.

use super::hosts::is_loopback;
use super::http::Response;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// How many places there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) all: usize,
    /// What was asked for; 0 is no limit.
    pub(super) per_address: Option<usize>,
    /// Beside the others: for who wants a reserved page when no other place is left.
    pub(super) reserved: usize,
}

/// What a place is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Ordinary,
    /// For one reserved page. Whoever wants something else is told that there is no other place.
    Reserved(Full),
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Server,
    Address,
}

/// An address has at least so many places, however few there are in all: a browser opens some six at once.
const LEAST_PER_ADDRESS: usize = 10;
/// Of the reserved places one address may take two, so that it does not drive others out of them.
const RESERVED_PER_ADDRESS: usize = 2;
/// The machine itself, and a proxy, ask for themselves and for all those behind the proxy.
const RESERVED_FOR_PROXIES: usize = 4;
/// For each reserved place so many connections may still be on their way out of it. The same holds for those
/// that one address may have, so that a flood from it leaves room for others.
const LEAVING: usize = 2;

impl Places {
    fn per_address(&self, peer: IpAddr) -> usize {
        match self.per_address {
            Some(0) => usize::MAX,
            Some(places) => places,
            // Proxies and load tools connect from there.
            None if is_loopback(peer) => usize::MAX,
            None => (self.all / 10).max(LEAST_PER_ADDRESS),
        }
    }
}

/// The places that are taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ordinary: usize,
    /// The ordinary ones of each neighbourhood that has any.
    near: HashMap<IpAddr, usize>,
    /// Who holds the reserved ones, the longest first.
    reserved: Vec<Holder>,
    /// Who had to leave one of them, and still has a thread and a descriptor.
    leaving: Vec<Holder>,
}

/// A connection, and the neighbourhood that it comes from.
type Holder = (u64, IpAddr);

impl Taken {
    /// Takes a place for the connection `id`. With a reserved one comes the connection that has to make
    /// room for it, if any: whoever asks for a page does so at once, and who says nothing has no claim.
    ///
    /// One that comes from a proxy counts for no address before a client is [known](Self::count).
    pub(super) fn take(
        &mut self,
        id: u64,
        peer: IpAddr,
        is_from_proxy: bool,
        places: &Places,
    ) -> Result<(Place, Option<u64>), Full> {
        let neighbourhood = neighbourhood(peer);
        let full = if self.ordinary >= places.all {
            Full::Server
        } else if !is_from_proxy && self.count(peer, places).is_err() {
            Full::Address
        } else {
            self.ordinary += 1;
            return Ok((Place::Ordinary, None));
        };
        let per_address = match is_from_proxy || is_loopback(peer) {
            true => RESERVED_FOR_PROXIES,
            false => RESERVED_PER_ADDRESS,
        };
        let leaving_near = count_near(&self.leaving, neighbourhood);
        if self.leaving.len() >= LEAVING * places.reserved || leaving_near >= LEAVING * per_address
        {
            return Err(full);
        }
        let leaving = self.first_to_leave(neighbourhood, per_address, places.reserved);
        let leaving = leaving.map(|index| self.reserved.remove(index));
        self.leaving.extend(leaving);
        self.reserved.push((id, neighbourhood));
        Ok((Place::Reserved(full), leaving.map(|(id, _)| id)))
    }

    fn first_to_leave(
        &self,
        neighbourhood: IpAddr,
        per_address: usize,
        reserved: usize,
    ) -> Option<usize> {
        let near = count_near(&self.reserved, neighbourhood);
        if near >= per_address {
            return self
                .reserved
                .iter()
                .position(|(_, of)| *of == neighbourhood);
        }
        (self.reserved.len() >= reserved).then_some(0)
    }

    /// Whether few places are left, in all or to that address: three quarters are taken.
    pub(super) fn is_crowded(&self, of: Option<IpAddr>, places: &Places) -> bool {
        let is_most = |taken: usize, of: usize| taken >= of - of / 4;
        let is_near = |of: IpAddr| {
            let near = self.near.get(&neighbourhood(of)).copied();
            is_most(near.unwrap_or_default(), places.per_address(of))
        };
        is_most(self.ordinary, places.all) || of.is_some_and(is_near)
    }

    /// Counts a connection that has an ordinary place for an address, unless there are too many of it already.
    pub(super) fn count(&mut self, of: IpAddr, places: &Places) -> Result<(), Full> {
        let near = self.near.entry(neighbourhood(of)).or_default();
        if *near >= places.per_address(of) {
            return Err(Full::Address);
        }
        *near += 1;
        Ok(())
    }

    /// Gives back what was taken, by a connection that [counts](Self::count) for this address, if for any.
    pub(super) fn give_back(&mut self, id: u64, place: Place, of: Option<IpAddr>) {
        if place != Place::Ordinary {
            self.reserved.retain(|(holder, _)| *holder != id);
            self.leaving.retain(|(holder, _)| *holder != id);
            return;
        }
        self.ordinary -= 1;
        if let Some(of) = of {
            self.discount(of);
        }
    }

    /// No longer counts a connection for an address.
    pub(super) fn discount(&mut self, of: IpAddr) {
        let neighbourhood = neighbourhood(of);
        if let Some(near) = self.near.get_mut(&neighbourhood) {
            *near -= 1;
            if *near == 0 {
                self.near.remove(&neighbourhood);
            }
        }
    }
}

fn count_near(holders: &[Holder], neighbourhood: IpAddr) -> usize {
    let near = holders.iter().filter(|(_, of)| *of == neighbourhood);
    near.count()
}

impl Full {
    pub(super) fn response(self) -> Response {
        let (id, reason) = match self {
            Self::Server => ("too-many-connections", "too many connections"),
            Self::Address => (
                "too-many-of-address",
                "too many connections from that address",
            ),
        };
        Response::refusal(503, id, reason)
    }
}

/// The address that stands for a peer: who has one IPv6 address has a whole /64 of them (RFC 6177). An IPv4
/// address that is written as an IPv6 one is the IPv4 address.
fn neighbourhood(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: &str = "192.0.2.1";
    const HERE: &str = "127.0.0.2";

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_ipv6_address_stands_for_its_network_and_ipv4_for_itself() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::1", "127.0.0.1", false),
            ("::1", "::2", false),
        ] {
            let is_told = neighbourhood(address(one)) == neighbourhood(address(other));
            assert_eq!(is_told, is_same, "{one} and {other}");
        }
    }

    /// What the last of these peers gets, of whom none leaves.
    fn last(places: Places, peers: &[(&str, usize)]) -> Result<Place, Full> {
        let mut taken = Taken::default();
        let mut last = Err(Full::Server);
        let all = peers.iter().flat_map(|(peer, count)| vec![*peer; *count]);
        for (peer, id) in all.zip(0..) {
            last = taken
                .take(id, address(peer), false, &places)
                .map(|(place, _)| place);
        }
        last
    }

    #[test]
    fn places_are_given_until_they_are_taken() {
        use Full::{Address, Server};
        use Place::{Ordinary, Reserved};
        const OTHER: &str = "198.51.100.1";
        for (all, per_address, peers, told) in [
            // All places.
            (900, Some(0), &[(FAR, 899), (OTHER, 1)][..], Ok(Ordinary)),
            (
                900,
                Some(0),
                &[(FAR, 900), (OTHER, 1)],
                Ok(Reserved(Server)),
            ),
            (0, None, &[(FAR, 1)], Ok(Reserved(Server))),
            // A tenth of them for one address, or ten.
            (900, None, &[(FAR, 90)], Ok(Ordinary)),
            (900, None, &[(FAR, 91)], Ok(Reserved(Address))),
            (900, None, &[(FAR, 91), (OTHER, 90)], Ok(Ordinary)),
            (900, None, &[(HERE, 900), (FAR, 1)], Ok(Reserved(Server))),
            (20, None, &[(FAR, 10)], Ok(Ordinary)),
            (20, None, &[(FAR, 11)], Ok(Reserved(Address))),
            (
                900,
                None,
                &[("2001:db8::1", 45), ("2001:db8::2", 46)],
                Ok(Reserved(Address)),
            ),
            (
                900,
                None,
                &[("2001:db8::1", 90), ("2001:db8:0:1::1", 1)],
                Ok(Ordinary),
            ),
            // Peers on this machine have no limit unless it is asked for.
            (900, None, &[(HERE, 900)], Ok(Ordinary)),
            (900, None, &[("::1", 900)], Ok(Ordinary)),
            (900, None, &[("::ffff:127.0.0.1", 900)], Ok(Ordinary)),
            (900, Some(3), &[(HERE, 3)], Ok(Ordinary)),
            (900, Some(3), &[(HERE, 4)], Ok(Reserved(Address))),
            (900, Some(3), &[(HERE, 4), (FAR, 3)], Ok(Ordinary)),
            (900, Some(0), &[(FAR, 900)], Ok(Ordinary)),
        ] {
            let places = Places {
                all,
                per_address,
                reserved: 8,
            };
            assert_eq!(last(places, peers), told, "{places:?}: {peers:?}");
            if let Ok(Reserved(full)) = told {
                let places = Places {
                    reserved: 0,
                    ..places
                };
                assert_eq!(last(places, peers), Err(full), "{places:?}: {peers:?}");
            }
        }
    }

    #[test]
    fn a_reserved_place_is_left_by_who_holds_it_longest() {
        let places = Places {
            all: 0,
            per_address: None,
            reserved: 5,
        };
        let mut taken = Taken::default();
        for (id, peer, leaving) in [
            (0, FAR, None),
            (1, FAR, None),
            // One address drives nobody out but itself.
            (2, FAR, Some(0)),
            (3, FAR, Some(1)),
            (4, "192.0.2.2", None),
            (5, HERE, None),
            (6, HERE, None),
            // All are taken now.
            (7, HERE, Some(2)),
            (8, HERE, Some(3)),
            (9, HERE, Some(5)),
            (10, "192.0.2.2", Some(4)),
        ] {
            let place = Place::Reserved(Full::Server);
            assert_eq!(
                taken.take(id, address(peer), false, &places),
                Ok((place, leaving)),
                "{id}"
            );
        }
        assert_eq!(taken.reserved.len(), 5);
    }

    #[test]
    fn a_proxy_has_as_many_reserved_places_as_the_machine_itself() {
        let places = Places {
            all: 0,
            per_address: None,
            reserved: 8,
        };
        for (peer, is_from_proxy, count) in [(FAR, false, 2), (FAR, true, 4), (HERE, false, 4)] {
            let mut taken = Taken::default();
            for id in 0..30 {
                let _ = taken.take(id, address(peer), is_from_proxy, &places);
            }
            assert_eq!(taken.reserved.len(), count, "{peer}");
            assert_eq!(taken.leaving.len(), LEAVING * count, "{peer}");
        }
    }

    /// Each address counts what counts for it, whatever comes in whatever order.
    #[test]
    fn nothing_is_counted_twice_or_forgotten() {
        let places = Places {
            all: 12,
            per_address: Some(3),
            reserved: 2,
        };
        let addresses = [FAR, HERE, "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.1"].map(address);
        let mut seed = 1_u32;
        let mut any = move |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as usize % below
        };
        let mut taken = Taken::default();
        let mut held: Vec<(u64, Place, bool, Option<IpAddr>)> = Vec::new();
        for id in 0..20_000 {
            let of = addresses[any(addresses.len())];
            match any(3) {
                0 => {
                    let is_from_proxy = any(2) == 0;
                    let near = held.iter().filter(|(_, _, _, near)| {
                        near.is_some_and(|near| neighbourhood(near) == neighbourhood(of))
                    });
                    let has_room = is_from_proxy || near.count() < 3;
                    let ordinary = held
                        .iter()
                        .filter(|(_, place, ..)| *place == Place::Ordinary);
                    let is_full = ordinary.count() >= 12;
                    let got = taken.take(id, of, is_from_proxy, &places);
                    let is_ordinary = matches!(got, Ok((Place::Ordinary, _)));
                    assert_eq!(is_ordinary, has_room && !is_full, "{id}");
                    if let Ok((place, _)) = got {
                        let counts = is_ordinary && !is_from_proxy;
                        held.push((id, place, is_from_proxy, counts.then_some(of)));
                    }
                }
                1 if !held.is_empty() => {
                    let (id, place, _, of) = held.swap_remove(any(held.len()));
                    taken.give_back(id, place, of);
                }
                2 if !held.is_empty() => {
                    let which = any(held.len());
                    let (_, Place::Ordinary, true, before) = &mut held[which] else {
                        continue;
                    };
                    // As a membership does.
                    if let Some(before) = before.take() {
                        taken.discount(before);
                    }
                    if any(3) > 0 && taken.count(of, &places).is_ok() {
                        *before = Some(of);
                    }
                }
                _ => {}
            }
            let ordinary = held
                .iter()
                .filter(|(_, place, ..)| *place == Place::Ordinary);
            assert_eq!(taken.ordinary, ordinary.count(), "{id}");
            let mut near: HashMap<IpAddr, usize> = HashMap::new();
            for of in held.iter().filter_map(|(.., of)| *of) {
                *near.entry(neighbourhood(of)).or_default() += 1;
            }
            assert_eq!(taken.near, near, "{id}");
            assert!(near.values().all(|near| *near <= 3), "{id}");
            let reserved = held.len() - taken.ordinary;
            assert_eq!(taken.reserved.len() + taken.leaving.len(), reserved, "{id}");
        }
    }

    #[test]
    fn who_leaves_a_reserved_place_for_long_keeps_only_its_own_address_out() {
        let places = Places {
            all: 0,
            per_address: None,
            reserved: 8,
        };
        let (place, full) = (Place::Reserved(Full::Server), Full::Server);
        let mut taken = Taken::default();
        // Two hold places, and four more are leaving theirs.
        for id in 0..6 {
            assert!(taken.take(id, address(FAR), false, &places).is_ok(), "{id}");
        }
        assert_eq!(taken.take(6, address(FAR), false, &places), Err(full));
        assert_eq!(
            taken.take(7, address("192.0.2.2"), false, &places),
            Ok((place, None))
        );
        // One has left.
        taken.give_back(0, place, None);
        assert_eq!(
            taken.take(8, address(FAR), false, &places),
            Ok((place, Some(4)))
        );
        // Of all addresses together there are twice as many as places.
        let others = (1..=100).map(|number| format!("198.51.100.{number}"));
        let taken_by_others = others
            .zip(100..)
            .take_while(|(other, id)| taken.take(*id, address(other), false, &places).is_ok());
        assert_eq!(taken_by_others.count(), 8 - 3 + 16 - 4);
    }

    #[test]
    fn what_is_given_back_is_free_again() {
        let places = Places {
            all: 2,
            per_address: Some(1),
            reserved: 1,
        };
        let (far, here) = (address(FAR), address(HERE));
        let (ordinary, reserved) = (Place::Ordinary, Place::Reserved(Full::Address));
        let held = |taken: &Taken| (taken.ordinary, taken.reserved.len(), taken.leaving.len());
        let mut taken = Taken::default();
        for round in 0..3 {
            let id = |number: u64| round * 10 + number;
            assert_eq!(taken.take(id(0), far, false, &places), Ok((ordinary, None)));
            assert_eq!(taken.take(id(1), far, false, &places), Ok((reserved, None)));
            assert_eq!(
                taken.take(id(2), far, false, &places),
                Ok((reserved, Some(id(1))))
            );
            assert_eq!(
                taken.take(id(3), here, false, &places),
                Ok((ordinary, None))
            );
            assert_eq!(held(&taken), (2, 1, 1));
            taken.give_back(id(1), reserved, None);
            assert_eq!(held(&taken), (2, 1, 0));
            taken.give_back(id(0), ordinary, Some(far));
            assert_eq!(taken.take(id(4), far, false, &places), Ok((ordinary, None)));
            for (number, place, of) in [
                (2, reserved, None),
                (3, ordinary, Some(here)),
                (4, ordinary, Some(far)),
            ] {
                taken.give_back(id(number), place, of);
            }
            assert_eq!(held(&taken), (0, 0, 0));
            assert!(
                taken.near.is_empty(),
                "an address that is gone costs nothing"
            );
        }
    }

    #[test]
    fn a_connection_from_a_proxy_counts_for_its_client_once_that_is_known() {
        let places = Places {
            all: 5,
            per_address: Some(1),
            reserved: 0,
        };
        let (proxy, far, other) = (address(HERE), address(FAR), address("198.51.100.1"));
        let mut taken = Taken::default();
        for id in 0..4 {
            let got = taken.take(id, proxy, true, &places);
            assert_eq!(got, Ok((Place::Ordinary, None)));
        }
        assert_eq!(taken.count(far, &places), Ok(()));
        assert_eq!(taken.count(far, &places), Err(Full::Address));
        assert_eq!(taken.count(other, &places), Ok(()));
        // It counts beside those that the client opens itself.
        assert_eq!(taken.take(4, far, false, &places), Err(Full::Address));
        taken.discount(far);
        assert_eq!(
            taken.take(4, far, false, &places),
            Ok((Place::Ordinary, None))
        );
        // A place is a place, whoever comes.
        assert_eq!(taken.take(5, proxy, true, &places), Err(Full::Server));
        for (id, of) in [
            (0, None),
            (1, None),
            (2, None),
            (3, Some(other)),
            (4, Some(far)),
        ] {
            taken.give_back(id, Place::Ordinary, of);
        }
        assert_eq!((taken.ordinary, taken.near.len()), (0, 0));
    }
}
