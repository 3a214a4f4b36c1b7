//! Prices over time: `Book::price`.

use super::book::{ITEM, book, day, list, short, tier};

/// `lists` as "id from base tier=price tier=price …", one entry a line; `expected` as "list day tier: price from-list".
fn check_prices(lists: &str, expected: &str) {
    let mut text = ITEM.to_owned();
    for line in lists.trim().lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        text += &format!("[[price_list]]\nid = \"{}\"\nfrom = {}\n", cells[0], cells[1]);
        if cells[2] != "-" {
            text += &format!("base = \"{}\"\n", cells[2]);
        }
        let prices: Vec<String> = cells[3..]
            .iter()
            .map(|cell| cell.split_once('=').unwrap())
            .map(|(tier, price)| format!("\"av.{tier}\" = \"{price}\""))
            .collect();
        text += &format!("prices = {{ {} }}\n", prices.join(", "));
    }
    let book = book(&text);
    for line in expected.trim().lines() {
        let (question, answer) = line.trim().split_once(": ").unwrap();
        let cells: Vec<&str> = question.split_whitespace().collect();
        let found = book.price(
            list(&book, cells[0]),
            day(cells[1]),
            tier(&book, &format!("av.{}", cells[2])),
        );
        let found = found.map_or("none".to_owned(), |(price, list)| {
            format!("{} {}", short(price), book.price_lists[list.index()].id)
        });
        assert_eq!(found, answer, "{question}");
    }
}

#[test]
fn a_contract_holds_from_its_first_day_and_its_base_before() {
    check_prices(
        "list 2021-01-01 -    audio=0.99 hd=3.99
         acme 2024-09-01 list hd=2.5",
        "acme 2024-08-31 hd: 3.99 list
         acme 2024-09-01 hd: 2.5 acme
         acme 2030-01-01 hd: 2.5 acme
         acme 2024-09-01 audio: 0.99 list
         list 2024-09-01 hd: 3.99 list",
    );
}

#[test]
fn before_its_first_entry_a_list_without_base_has_no_prices() {
    check_prices(
        "list 2021-01-01 - hd=3.99",
        "list 2020-12-31 hd: none
         list 2021-01-01 hd: 3.99 list
         list 2021-01-01 audio: none",
    );
}

#[test]
fn a_later_entry_replaces_the_earlier_one_as_a_whole() {
    check_prices(
        "list 2024-01-01 - audio=0.99 hd=4
         list 2021-01-01 - audio=0.89 hd=3.99 4k=35.99",
        "list 2023-12-31 audio: 0.89 list
         list 2023-12-31 4k: 35.99 list
         list 2024-01-01 audio: 0.99 list
         list 2024-01-01 4k: none",
    );
}

#[test]
fn a_contract_can_end_and_its_base_can_change() {
    check_prices(
        "list 2021-01-01 -    hd=3.99
         cn   2021-01-01 -    hd=3.5
         acme 2023-01-01 list hd=2.5
         acme 2024-01-01 cn
         acme 2025-01-01 cn   hd=0",
        "acme 2022-12-31 hd: 3.99 list
         acme 2023-12-31 hd: 2.5 acme
         acme 2024-01-01 hd: 3.5 cn
         acme 2025-01-01 hd: 0 acme",
    );
}

#[test]
fn prices_come_through_a_chain_of_bases_of_the_same_day() {
    check_prices(
        "list   2021-01-01 -      audio=0.99 hd=3.99 4k=35.99
         list   2024-06-01 -      audio=1 hd=4 4k=36
         group  2022-01-01 list   hd=3
         member 2023-01-01 group  audio=0.5",
        "member 2022-12-31 audio: 0.99 list
         member 2023-01-01 audio: 0.5 member
         member 2023-01-01 hd: 3 group
         member 2021-12-31 hd: 3.99 list
         member 2024-05-31 4k: 35.99 list
         member 2024-06-01 4k: 36 list",
    );
}
