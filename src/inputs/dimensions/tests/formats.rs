//! Types and shapes of files.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{Int32Type, Int64Type, i256};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::rules::facts::{DisabledApp, Payg, RefundRequest};
use crate::units::quantity::{Cents, Instant, Quota, SdkAppId};

use super::tables::parquet_of;
use super::{ACCOUNTS, DimensionError, Dimensions, PACKAGES, describe, load, load_csv};

/// 2024-10-12 00:00:00 UTC.
const SECONDS: i64 = 1_728_691_200;

fn accounts_of(ids: ArrayRef, registered_at: ArrayRef) -> Result<Dimensions, DimensionError> {
    let bytes = parquet_of(vec![("account_id", ids), ("registered_at", registered_at)], 1);
    load(&[("accounts", "accounts.parquet", bytes)])
}

fn seconds() -> ArrayRef {
    Arc::new(TimestampSecondArray::from(vec![SECONDS, SECONDS]))
}

#[test]
fn every_integer_width() {
    let widths: [ArrayRef; 9] = [
        Arc::new(Int8Array::from(vec![7, 5])),
        Arc::new(Int16Array::from(vec![7, 5])),
        Arc::new(Int32Array::from(vec![7, 5])),
        Arc::new(Int64Array::from(vec![7, 5])),
        Arc::new(UInt8Array::from(vec![7, 5])),
        Arc::new(UInt16Array::from(vec![7, 5])),
        Arc::new(UInt32Array::from(vec![7, 5])),
        Arc::new(UInt64Array::from(vec![7, 5])),
        Arc::new(
            Decimal128Array::from(vec![7, 5])
                .with_precision_and_scale(38, 0)
                .expect("fits"),
        ),
    ];
    for ids in widths {
        let kind = ids.data_type().clone();
        let dimensions = accounts_of(ids, seconds()).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let index = dimensions.index();
        assert_eq!([index.account_id(0), index.account_id(1)], [5, 7], "{kind}");
        assert_eq!((index.position(7), index.position(6)), (Some(1), None), "{kind}");
    }
    let error = accounts_of(Arc::new(UInt64Array::from(vec![u64::MAX, 1])), seconds()).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "accounts.parquet, row 1, column account_id: 18446744073709551615 is no positive integer of 64 bits"
    );
}

#[test]
fn every_timestamp_unit() {
    let units: [ArrayRef; 7] = [
        seconds(),
        Arc::new(TimestampSecondArray::from(vec![SECONDS; 2]).with_timezone("+08:00")),
        Arc::new(TimestampMillisecondArray::from(vec![SECONDS * 1_000; 2])),
        Arc::new(TimestampMicrosecondArray::from(vec![SECONDS * 1_000_000; 2])),
        Arc::new(TimestampMicrosecondArray::from(vec![SECONDS * 1_000_000; 2]).with_timezone("Asia/Shanghai")),
        Arc::new(TimestampNanosecondArray::from(vec![SECONDS * 1_000_000_000; 2])),
        Arc::new(StringArray::from(vec!["2024-10-12T08:00:00+08:00"; 2])),
    ];
    for times in units {
        let kind = times.data_type().clone();
        let ids = Arc::new(Int64Array::from(vec![1, 2]));
        let dimensions = accounts_of(ids, times).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(
            dimensions.index().registered_at(1),
            Instant::from_micros(SECONDS * 1_000_000),
            "{kind}"
        );
    }
}

#[test]
fn nanoseconds_are_refused_as_in_csv() {
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let times = vec![SECONDS * 1_000_000_000 + 123_456_000, SECONDS * 1_000_000_000 + 999];
    let error = accounts_of(ids, Arc::new(TimestampNanosecondArray::from(times))).expect_err("too fine");
    assert_eq!(
        error.to_string(),
        "accounts.parquet, row 2, column registered_at: 2024-10-12T00:00:00.000000999Z has more than 6 digits after \
         the second; round it to microseconds"
    );
}

#[test]
fn times_in_csv() {
    let cases = [
        ("2024-10-12T08:00:00+08:00", 0),
        ("2024-10-12t00:00:00z", 0),
        ("2024-10-12 00:00:00", 0),
        ("2024-10-12 00:00:00.5", 500_000),
        ("2024-10-12T00:00:00.123456Z", 123_456),
        ("2024-10-11T19:00:00.000001-05:00", 1),
    ];
    for (text, micros) in cases {
        let csv = format!("account_id,registered_at\n1,{text}\n");
        let dimensions = load_csv(&[
            ("accounts", &csv),
            ("packages", "package_id,account_id,plan,purchased_at\n"),
        ]);
        let at = dimensions.expect(text).index().registered_at(0);
        assert_eq!(at, Instant::from_micros(SECONDS * 1_000_000 + micros), "{text}");
    }
    for text in [
        "2024-10-12T08:00:60Z",
        "2024-10-12 08:00",
        "2024-10-12T08:00:00 +08:00",
        " 2024-10-12T08:00:00Z",
        "2024-10-12T08:00:00.Z",
        "1728691200",
        "2024-10-12T24:00:00Z",
        "2024-10-12T08:00:00+0800",
        "2024-10-12T08:00:00+8:00",
        "2024-10-12T08:00:00+24:00",
        "2024-10-12T08:00:00+:00",
        "2024-10-12T08:00:00ü",
        "2024-10-12T08:00:0ü",
        "2024-02-30T08:00:00Z",
    ] {
        let csv = format!("account_id,registered_at\n1,{text}\n");
        assert!(load_csv(&[("accounts", &csv)]).is_err(), "{text}");
    }
}

#[test]
fn money_in_parquet() {
    let payments = |amounts: ArrayRef| {
        let texts = |text: &str| Arc::new(StringArray::from(vec![text.to_owned(); amounts.len()])) as ArrayRef;
        let ids: Int64Array = (0..i64::try_from(amounts.len()).expect("small")).collect();
        let ones = Arc::new(Int64Array::from(vec![1; amounts.len()]));
        let bytes = parquet_of(
            vec![
                ("payment_id", Arc::new(ids)),
                ("account_id", ones),
                ("paid_at", texts("2024-10-12 00:00:00")),
                ("amount", amounts),
            ],
            100,
        );
        let accounts = Bytes::from(ACCOUNTS);
        load(&[
            ("accounts", "accounts.csv", accounts),
            ("payments", "payments.parquet", bytes),
        ])
        .map(|dimensions| {
            dimensions
                .payments(0)
                .iter()
                .map(|payment| payment.amount)
                .collect::<Vec<_>>()
        })
        .map_err(|error| error.to_string())
    };
    let decimal = |units: i128, scale| {
        Arc::new(
            Decimal128Array::from(vec![units])
                .with_precision_and_scale(20, scale)
                .expect("fits"),
        ) as ArrayRef
    };
    let cents = |cents| Ok(vec![Cents::from_units(cents)]);
    assert_eq!(payments(decimal(-1250, 2)), cents(-1250));
    assert_eq!(payments(decimal(125, 1)), cents(1250));
    assert_eq!(payments(decimal(12, 0)), cents(1200));
    assert_eq!(payments(decimal(12_500_000, 6)), cents(1250));
    assert_eq!(payments(Arc::new(Int32Array::from(vec![12]))), cents(1200));
    assert_eq!(payments(Arc::new(StringArray::from(vec!["12.5"]))), cents(1250));
    assert_eq!(
        payments(decimal(12_505_000, 6)),
        Err("payments.parquet, row 1, column amount: \"12.505\": more than 2 decimals; write it like 12.34".to_owned())
    );
    assert_eq!(
        payments(decimal(-5, 3)),
        Err("payments.parquet, row 1, column amount: \"-0.005\": more than 2 decimals; write it like 12.34".to_owned())
    );
    assert_eq!(
        payments(decimal(10_000_000_000_001_000, 3)),
        Err("payments.parquet, row 1, column amount: \"10000000000001\" is too large; at most 10000000000000.00 is accepted".to_owned())
    );
    assert_eq!(
        payments(Arc::new(Float64Array::from(vec![12.5]))),
        Err("payments.parquet, column amount: is of type Float64, floating-point numbers are not exact; write it as a decimal or string".to_owned())
    );
    assert_eq!(
        payments(Arc::new(NullArray::new(1))),
        Err("payments.parquet, row 1, column amount: is empty; it has no default".to_owned())
    );
}

#[test]
fn wrong_types_are_named() {
    let error = accounts_of(Arc::new(Float64Array::from(vec![1.0, 2.0])), seconds()).expect_err("a float");
    assert_eq!(
        error.to_string(),
        "accounts.parquet, column account_id: is of type Float64, floating-point numbers are not exact; write it as an integer"
    );
    let error = accounts_of(
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(Int64Array::from(vec![1, 2])),
    );
    assert_eq!(
        error.expect_err("a number").to_string(),
        "accounts.parquet, column registered_at: is of type Int64; write it as a timestamp"
    );
    let wide = Decimal256Array::from(vec![i256::from(1), i256::from(2)]);
    let wide = wide.with_precision_and_scale(40, 2).expect("fits");
    assert_eq!(
        accounts_of(Arc::new(wide), seconds())
            .expect_err("too wide")
            .to_string(),
        "accounts.parquet, column account_id: is of type Decimal(40, 2), more than 38 digits cannot be read; write it as an integer"
    );
    let list =
        ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), Some(3)]), Some(vec![Some(2)])]);
    assert_eq!(
        accounts_of(Arc::new(list), seconds()).expect_err("a list").to_string(),
        "accounts.parquet, column account_id: is of type list; write it as an integer"
    );
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![SECONDS; 2]));
    let error = accounts_of(times, seconds());
    assert_eq!(
        error.expect_err("a time").to_string(),
        "accounts.parquet, column account_id: is of type timestamp; write it as an integer"
    );
}

#[test]
fn dictionaries_and_null_columns() {
    let plans: DictionaryArray<Int32Type> = vec!["rtc_engine.lite", "rtc_engine.standard"].into_iter().collect();
    let bytes = parquet_of(
        vec![
            ("package_id", Arc::new(StringArray::from(vec!["b", "a"]))),
            ("account_id", Arc::new(Int64Array::from(vec![2, 2]))),
            ("plan", Arc::new(plans)),
            ("purchased_at", seconds()),
            ("apps", Arc::new(Int64Array::from(vec![None, Some(1400)]))),
            ("refunded_at", Arc::new(NullArray::new(2))),
        ],
        100,
    );
    let dimensions = load(&[
        ("accounts", "a.csv", Bytes::from(ACCOUNTS)),
        ("packages", "p.parquet", bytes),
    ]);
    let dimensions = dimensions.expect("sound");
    let packages = dimensions.packages(1);
    assert_eq!(
        packages.iter().map(|package| package.id).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(packages[0].apps, [SdkAppId::new(1400).expect("positive")]);
    assert_eq!(packages[1].apps, []);
    assert_eq!((packages[0].plan.0, packages[1].plan.0), (1, 0));
}

#[test]
fn defaults_hold_for_absent_columns_and_nulls() {
    let absent = load_csv(&[]).expect("sound");
    let nulls = load_csv(&[
        (
            "accounts",
            "registered_at,extra,account_id,free_anchor,price_list,payg,credit_limit,products,violation_at\n2024-01-31T00:00:00Z,x,1,,,,,,\n2024-01-01T00:00:00Z,\"\",2,\"\",\"\",\"\",\"\",\"\",\"\"\n",
        ),
        (
            "packages",
            "package_id,account_id,plan,purchased_at,gift,auto_renew,apps,refunded_at,refunded_amount\np1,1,rtc_engine.lite,2024-10-12T01:00:00Z,,,,,\n",
        ),
    ]);
    assert_eq!(describe(&absent), describe(&nulls.expect("sound")));
    let account = absent.account(0);
    assert_eq!(
        (account.price_list.0, account.payg, account.credit_limit),
        (0, Payg::Auto, Cents::ZERO)
    );
    assert_eq!(
        (account.products.len(), account.free_anchor, account.violation_at),
        (1, None, None)
    );
    assert_eq!((absent.rows("accounts"), absent.rows("payments")), (Some(2), None));
}

#[test]
fn optional_dimensions_are_kept_by_account() {
    let dimensions = load_csv(&[
        (
            "apps",
            "account_id,sdk_app_id,disabled_at\n2,9,2024-10-12 00:00:00\n2,3,2024-10-12 00:00:00\n2,5,\n1,9,\n",
        ),
        (
            "refund_requests",
            "package_id,requested_at\np1+12,2024-10-12 00:00:00\np1,2024-10-12 00:00:00\n",
        ),
        ("opening", "account_id,balance\n2,-3.5\n"),
        (
            "opening_grants",
            "grant_id,used\np1,20000\nfree:1:2024-03-31,0.5\nfree:1:2024-02-29,10000\n",
        ),
    ]);
    let dimensions = dimensions.expect("sound");
    let at = Instant::from_micros(SECONDS * 1_000_000);
    let app = |id| SdkAppId::new(id).expect("positive");
    assert_eq!(dimensions.disabled_apps(0), []);
    let disabled = |id| DisabledApp {
        app: app(id),
        since: at,
    };
    assert_eq!(dimensions.disabled_apps(1), [disabled(3), disabled(9)]);
    let request = |package| RefundRequest {
        package,
        requested_at: at,
    };
    assert_eq!(dimensions.refund_requests(0), [request("p1"), request("p1+12")]);
    assert_eq!(dimensions.refund_requests(1), []);
    assert_eq!(dimensions.opening_balance(0), Cents::ZERO);
    assert_eq!(dimensions.opening_balance(1), Cents::from_units(-350));
    assert_eq!(
        dimensions.opening_grants(0),
        [
            ("free:1:2024-02-29", Quota::from_units(1_000_000)),
            ("free:1:2024-03-31", Quota::from_units(50)),
            ("p1", Quota::from_units(2_000_000)),
        ]
    );
}

#[test]
fn pieces_may_end_anywhere() {
    let table = |padding: usize| {
        format!(
            "\u{feff}{}package_id,account_id,plan,purchased_at,note\r\n\"p\"\"1\",1,rtc_engine.lite,2024-10-12 00:00:00,\"a\n,\"\"ü\"\"\r\n\"\r\np2,2,\"rtc_engine.lite\",2024-10-12 00:00:00,ü\n",
            if padding == 0 {
                String::new()
            } else {
                format!("\"{}\",", "ü\n\"\"".repeat(padding))
            }
        )
    };
    let with_column = |padding: usize| {
        let text = table(padding);
        if padding == 0 {
            text
        } else {
            text.replace("\r\n\"p\"\"1\"", "\r\n,\"p\"\"1\"")
                .replace("\r\np2", "\r\n,p2")
        }
    };
    let expected = describe(&load_csv(&[("packages", &with_column(0))]).expect("sound"));
    assert!(expected.contains("p\\\"1"), "{expected}");
    for padding in 1..70 {
        // Pieces are 64 bytes in tests, and the padding grows by 5: every offset comes up.
        let got = load_csv(&[("packages", &with_column(padding))]).expect("sound");
        assert_eq!(describe(&got), expected, "padding {padding}");
    }
}

/// Columns of every kind with nulls, by dictionary, by runs and plain, in small pages of either version.
fn varied(version: WriterVersion, compression: Compression) -> Bytes {
    let every = |nth: i64| (1..120).map(move |row| (row % nth == 0).then_some(row));
    let limits = Decimal128Array::from_iter(every(3).map(|row| row.map(i128::from)));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("account_id", Arc::new(Int64Array::from_iter(1..120))),
        (
            "registered_at",
            Arc::new(TimestampMillisecondArray::from(vec![SECONDS * 1000; 119])),
        ),
        (
            "free_anchor",
            Arc::new(Date32Array::from_iter(every(2).map(|row| row.map(|_| 19_000)))),
        ),
        (
            "price_list",
            Arc::new(StringArray::from_iter(every(50).map(|row| row.map(|_| "acme")))),
        ),
        (
            "credit_limit",
            Arc::new(limits.with_precision_and_scale(18, 2).expect("fits")),
        ),
        (
            "violation_at",
            Arc::new(TimestampMicrosecondArray::from_iter(
                every(7).map(|row| row.map(|row| row * 1_000_000_000)),
            )),
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(compression)
        .set_data_page_row_count_limit(40)
        .set_write_batch_size(20)
        .set_max_row_group_row_count(Some(70));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).expect("a schema");
    writer.write(&batch).expect("memory takes it");
    writer.close().expect("memory takes it");
    Bytes::from(bytes)
}

#[test]
fn broken_parquet_is_an_error_and_never_a_panic() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::ZSTD(ZstdLevel::default()),
        ] {
            let bytes = varied(version, compression);
            load(&[("accounts", "a.parquet", bytes.clone())]).expect("sound");
            for length in (0..bytes.len()).step_by(7) {
                let cut = load(&[("accounts", "a.parquet", bytes.slice(..length))]);
                assert!(cut.is_err(), "truncated at {length}");
            }
            for position in (0..bytes.len()).step_by(3) {
                let mut flipped = bytes.to_vec();
                flipped[position] ^= if position % 2 == 0 { 0xff } else { 0x80 };
                // An error or, without checksums, another value: an abort or a panic would end the test.
                drop(load(&[("accounts", "a.parquet", Bytes::from(flipped))]));
            }
        }
    }
    std::panic::set_hook(hook);
}

#[test]
fn files_are_recorded() {
    let files = [
        ("accounts", "b.csv", ACCOUNTS),
        ("packages", "packages.csv", PACKAGES),
        ("accounts", "c.csv", "registered_at,account_id\n"),
    ];
    let files: Vec<_> = files
        .map(|(dimension, name, csv)| (dimension, name, Bytes::from(csv)))
        .into();
    let dimensions = load(&files).expect("sound");
    let recorded: Vec<_> = dimensions
        .files()
        .iter()
        .map(|file| (file.dimension, file.path.as_str(), file.size, file.rows))
        .collect();
    assert_eq!(
        recorded,
        [
            ("accounts", "b.csv", 75, 2),
            ("accounts", "c.csv", 25, 0),
            ("packages", "packages.csv", 87, 1)
        ]
    );
    // printf 'registered_at,account_id\n' | sha256sum
    assert_eq!(
        dimensions.files()[1].sha256,
        "808e3498de0c159ea45863c6b42322f2d5769e4de613eff90aeceadb84e002a7"
    );
}
