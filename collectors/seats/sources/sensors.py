"""What a message of a sensor on the local MQTT broker does to its seat's signal. Pure but for the wall clock."""

import time

from collectors.seats.map import Sensor
from collectors.seats.occupancy import BATTERY_STALE_SECONDS, Signal
from collectors.seats.payloads import Update

_FUTURE_SECONDS = 300.0


def signal_of(sensor: Sensor) -> Signal:
    """The Signal of a sensor that was not heard yet."""
    stale = BATTERY_STALE_SECONDS if sensor.battery else 0.0
    return Signal(sensor.sense, stale_seconds=stale, lives_by_status=sensor.format == "esphome")


def apply(signal: Signal, update: Update, *, retained: bool, now: float) -> None:
    """Take one message; a retained one counts only while somebody says that its sensor lives."""
    if update.online is not None:
        signal.online = update.online
    if update.low_battery is not None:
        signal.low_battery = update.low_battery
    if update.verdict is None:
        signal.at = now if signal.ever_heard and not retained and update.online is None else signal.at
        return
    age = 0.0
    if update.seen_at is not None:
        age = time.time() - update.seen_at
        if not -_FUTURE_SECONDS < age < 10 * 365 * 86400:
            return
    elif retained and signal.online is not True and not signal.lives_by_status:
        return  # of unknown age, and nobody says that the sensor lives
    signal.say(update.verdict, now - max(0.0, age), unconfirmed=retained)
