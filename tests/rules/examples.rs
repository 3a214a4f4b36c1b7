//! Every worked example of the guide that the daily rules decide, under its own name.

use nightbill::rules::facts::Payg;

use crate::world::World;

const HOUR: i64 = 3_600;

/// `[T]` Billing of Audio and Video Duration, Example 1.
#[test]
fn av_example_1_costs_4_14() {
    let world = World::new()
        .payg(Payg::On)
        .metered(1, "av", 2 * 640 * 480, HOUR)
        .metered(1, "av", 960 * 720 + 640 * 480 + 1920 * 1080, HOUR)
        .metered(1, "av", 960 * 720 + 640 * 480 + 1920 * 1080, HOUR)
        .metered(1, "av", 960 * 720 + 2 * 640 * 480 + 1920 * 1080, HOUR)
        .metered(1, "av", 960 * 720 + 2 * 640 * 480 + 1920 * 1080, HOUR)
        .metered(1, "av", 0, HOUR);
    assert_eq!(
        world.lines(),
        ["1 av.audio 60 payg 60", "1 av.hd 60 payg 60", "1 av.2k 240 payg 240"]
    );
    let day = world.settle();
    let amounts: Vec<String> = day.lines.iter().map(|line| line.amount.to_string()).collect();
    assert_eq!(amounts, ["0.059400000", "0.239400000", "3.837600000"]);
    assert_eq!(world.bills(), ["av 4.136400000 4.14"]);
}

/// `[T]` Billing of Audio and Video Duration, Example 2.
#[test]
fn av_example_2_costs_1_26() {
    let mut world = World::new().payg(Payg::On).metered(1, "av", 0, HOUR);
    for pixels in [2, 2, 2, 3, 3].map(|streams| streams * 480 * 480) {
        world = world.metered(1, "av", pixels, HOUR);
    }
    assert_eq!(world.lines(), ["1 av.audio 60 payg 60", "1 av.hd 300 payg 300"]);
    assert_eq!(world.bills(), ["av 1.256400000 1.26"]);
}

/// `[T]` On-Cloud Recording, Example 2: by day 84 + 167 minutes of audio; the bills add up to the guide's 1.62.
#[test]
fn four_recordings_cost_1_62() {
    let recordings = World::new().payg(Payg::On);
    let days = [
        recordings.clone().on("2022-02-11").metered(1, "recording", 0, 5_000),
        recordings.clone().on("2022-02-12").metered(1, "recording", 0, 10_000),
        recordings
            .clone()
            .on("2022-02-13")
            .metered(1, "recording", 4 * 640 * 360, 3_500),
        recordings
            .on("2022-02-14")
            .metered(1, "recording", 640 * 360 + 1280 * 720 + 960 * 720, 1_800)
            .metered(1, "recording", 640 * 360 + 1280 * 720 + 960 * 720 + 1920 * 1080, 540),
    ];
    let expected = [
        (vec!["1 recording.audio 84 payg 84"], "recording 0.125160000 0.13"),
        (vec!["1 recording.audio 167 payg 167"], "recording 0.248830000 0.25"),
        (vec!["1 recording.hd 59 payg 59"], "recording 0.353410000 0.35"),
        (
            vec!["1 recording.fhd 30 payg 30", "1 recording.2k_plus 9 payg 9"],
            "recording 0.890610000 0.89",
        ),
    ];
    let mut total = 0;
    for (world, (lines, bill)) in days.iter().zip(expected) {
        assert_eq!(world.lines(), lines);
        assert_eq!(world.bills(), [bill]);
        total += world.settle().balance.charged.units();
    }
    assert_eq!(total, 162);
}

/// `[T]` On-Cloud Recording, Example 1: two streams of 960 x 720 are FHD.
#[test]
fn two_recorded_streams_of_960_by_720_are_fhd() {
    let world = World::new().metered(1, "recording", 2 * 960 * 720, 60);
    assert_eq!(world.lines(), ["1 recording.fhd 1 unbilled 1"]);
}

/// `[T]` Recording Delivery, Audio-only Streams.
#[test]
fn delivery_of_audio_to_a_third_party_costs_0_0013() {
    let world = World::new().payg(Payg::On).metered(1, "delivery_third_party", 0, 600);
    assert_eq!(world.lines(), ["0 delivery.third_party_audio 10 payg 10"]);
    assert_eq!(world.bills(), ["delivery 0.001300000 0.00"]);
}

/// `[T]` Recording Delivery, Audio and Video Streams.
#[test]
fn delivery_of_fhd_to_tencent_cloud_costs_0_0029() {
    let world = World::new()
        .payg(Payg::On)
        .metered(1, "delivery_tencent", 1920 * 1080, 600);
    assert_eq!(world.lines(), ["0 delivery.tencent_fhd 10 payg 10"]);
    assert_eq!(world.bills(), ["delivery 0.002900000 0.00"]);
}

/// `[T]` MixTranscoding, Audio Live Streaming: only the 30 minutes with two anchors are a task.
#[test]
fn mixing_of_two_audio_anchors_costs_0_0597() {
    let world = World::new().payg(Payg::On).metered(1, "mix_h264", 0, 30 * 60);
    assert_eq!(world.lines(), ["1 mix.audio 30 payg 30"]);
    assert_eq!(world.bills(), ["mix 0.059700000 0.06"]);
}

/// `[T]` MixTranscoding, Video Live Streaming: two tasks of 10 minutes, 2,995,200 pixels each.
#[test]
fn mixing_of_two_video_anchors_costs_0_5198() {
    let world = World::new()
        .payg(Payg::On)
        .metered(1, "mix_h264", 1920 * 1080 + 1280 * 720, 600)
        .metered(1, "mix_h264", 1920 * 1080 + 1280 * 720, 600);
    assert_eq!(world.lines(), ["1 mix.h264_2k 20 payg 20"]);
    assert_eq!(world.bills(), ["mix 0.519800000 0.52"]);
}

/// `[T]` Free Minutes: received on November 15, 2022, valid until December 14, 2022.
#[test]
fn free_minutes_of_nov_15_serve_until_dec_14() {
    let world = World::new().with_free_minutes("2022-11-15").used(1, "av.audio", 60);
    for (day, grant, dates) in [
        ("2022-11-15", "free:7:2022-11-15", "2022-11-15 2022-12-14"),
        ("2022-12-14", "free:7:2022-11-15", "2022-11-15 2022-12-14"),
        ("2022-12-15", "free:7:2022-12-15", "2022-12-15 2023-01-14"),
    ] {
        let world = world.clone().on(day);
        assert_eq!(world.deductions(), [format!("1 av.audio {grant} 1 x 1.00 = 1.00")]);
        assert!(world.grants()[0].starts_with(&format!("{grant} {dates} used 1.00 of 10000.00")));
    }
    assert_eq!(world.on("2022-11-14").lines(), ["1 av.audio 1 unbilled 1"]);
}

/// `[T]` FAQ: 30, 20 and 40 seconds in three periods deduct 1, 0 and 1 minute.
#[test]
fn faq_table_of_period_deductions() {
    use nightbill::rules::recorder::Outcome;
    let world = World::new()
        .with_free_minutes("2024-06-01")
        .in_five_minutes()
        .used_in_period(1, "av.audio", 0, 30)
        .used_in_period(1, "av.audio", 1, 20)
        .used_in_period(1, "av.audio", 2, 40);
    let mut kept = crate::world::Kept::default();
    world.try_settle(Some(&mut kept)).unwrap();
    let served = kept.0.iter().map(|step| match step.outcome {
        Outcome::Served { minutes, .. } => (step.line.2, minutes.get()),
        Outcome::PassedOver(reason) => panic!("passed over: {reason:?}"),
    });
    assert_eq!(served.collect::<Vec<_>>(), [(0, 1), (2, 1)]);
    assert_eq!(world.lines(), ["1 av.audio 2 free 2"]);
    assert_eq!(world.deductions(), ["1 av.audio free:7:2024-06-01 2 x 1.00 = 2.00"]);
}

/// `[T]` RTC-Engine packages: "four package minutes deduct one minute of HD duration".
#[test]
fn four_package_minutes_deduct_one_hd_minute() {
    let world = World::new()
        .package("p rtc_engine.lite 1 2024-06-10T00:00:00Z")
        .used(1, "av.hd", 60);
    assert_eq!(world.deductions(), ["1 av.hd p 1 x 4.00 = 4.00"]);
}
