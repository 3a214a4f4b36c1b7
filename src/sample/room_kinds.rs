//! What people meet for, and how that looks: how many come, for how long, with which cameras.

use std::ops::Range;

const AUDIO_ONLY: i32 = 0;
const CAMERA_360P: i32 = 640 * 360;
pub(super) const CAMERA_720P: i32 = 1280 * 720;
const CAMERA_1080P: i32 = 1920 * 1080;

/// What people meet for.
pub(super) struct RoomKind {
    /// How often, against the others.
    pub weight: u32,
    /// How many, the last not included.
    pub participants: Range<u32>,
    /// How long the room is open.
    pub minutes: Range<u32>,
    /// Cameras and how often, against each other.
    pub cameras: &'static [(i32, u32)],
    /// How many of the participants may send video.
    pub publishers: u32,
}

/// Each with its weight: hundreds of calls for one show.
pub(super) const KINDS: [RoomKind; 5] = [
    // A voice call.
    RoomKind {
        weight: 40,
        participants: 1..4,
        minutes: 1..12,
        cameras: &[(AUDIO_ONLY, 1)],
        publishers: 0,
    },
    // A video call.
    RoomKind {
        weight: 38,
        participants: 2..5,
        minutes: 2..25,
        cameras: &[(CAMERA_360P, 5), (CAMERA_720P, 4), (CAMERA_1080P, 1)],
        publishers: 3,
    },
    // A meeting.
    RoomKind {
        weight: 12,
        participants: 3..13,
        minutes: 10..60,
        cameras: &[(CAMERA_360P, 6), (CAMERA_720P, 3), (CAMERA_1080P, 1)],
        publishers: 9,
    },
    // A voice room.
    RoomKind {
        weight: 9,
        participants: 3..20,
        minutes: 5..60,
        cameras: &[(AUDIO_ONLY, 1)],
        publishers: 0,
    },
    // A show before an audience.
    RoomKind {
        weight: 1,
        participants: 12..150,
        minutes: 20..120,
        cameras: &[(CAMERA_720P, 2), (CAMERA_1080P, 1)],
        publishers: 3,
    },
];
