/** What the stand-in answers to GET /retention. */
const dayMs = 86_400_000

export function mockRetention() {
  const sizes = [1_400_000_000, 3_900_000_000, 4_100_000_000, 3_600_000_000, 1_100_000_000, 900_000_000, 3_700_000_000]
  const first = Date.UTC(2026, 10, 24)
  const partitions = sizes.map((bytes, i) => {
    const start = first - i * dayMs
    const read = new Date(Math.min(Date.now(), start + dayMs)).toISOString()
    return {
      partition: new Date(start).toISOString().slice(0, 10),
      events: Math.round(bytes / 190),
      bytes,
      from: new Date(start).toISOString(),
      to: read,
      newestReadAt: read,
      dropAt: new Date(start + 31 * dayMs).toISOString() as string | null,
    }
  })
  const old = {
    ...{ partition: '2026-03', events: 18_200, bytes: 96_000_000, dropAt: null },
    ...{ from: '2026-03-02T00:00:00Z', to: '2026-03-29T04:12:00Z', newestReadAt: '2026-11-20T08:00:00Z' },
  }
  const sum = (rows: readonly { events: number; bytes: number }[]) => ({
    events: rows.reduce((total, { events }) => total + events, 0),
    bytes: rows.reduce((total, { bytes }) => total + bytes, 0),
  })
  return {
    days: 30,
    ...sum([...partitions, old]),
    clusters: [
      { cluster: 'prod-sh', days: 30, ...sum(partitions), partitions },
      { cluster: 'audit', days: 0, ...sum([old]), partitions: [old] },
    ],
  }
}
