// Stops the clock. It must be imported before anything that reads the time.

export const now = 1795442400123 // 2026-11-23T14:00:00.123Z

const RealDate = Date

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now)
    else super(...args)
  }

  static now() {
    return now
  }
}
