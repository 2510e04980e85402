/** Lines as nginx writes them: the combined access log and the error log, in local time. */
import type { Random } from './random.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const paths = ['/', '/js/game.js', '/css/main.css', '/api/score', '/api/board/4x4', '/favicon.ico', '/history?page=2']
const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148',
  'curl/8.11.0',
]

export function nginxAccessLine(random: Random, at: Date): string {
  const status = random.percent(4) ? random.pick([404, 499, 502, 504]) : random.percent(10) ? 304 : 200
  const request = `${random.percent(80) ? 'GET' : 'POST'} ${random.pick(paths)} HTTP/1.1`
  const seconds = (random.fraction() ** 4 * 2).toFixed(3)
  return `${address(random)} - - [${clfTime(at)}] "${request}" ${status} ${status === 304 ? 0 : 70 + random.below(9000)} "-" "${random.pick(agents)}" rt=${seconds}\n`
}

export function nginxErrorLine(random: Random, at: Date): string {
  const client = `client: ${address(random)}, server: 2048.example.com`
  const [level, text] = random.pick([
    ['info', `recv() failed (104: Connection reset by peer) while waiting for request, ${client}`],
    ['info', `client closed connection while waiting for request, ${client}`],
    [
      'warn',
      `an upstream response is buffered to a temporary file /var/cache/nginx/proxy/${random.below(10)}/${random.below(1000)} while reading upstream, ${client}`,
    ],
    [
      'error',
      `connect() failed (111: Connection refused) while connecting to upstream, ${client}, request: "POST /api/score HTTP/1.1", upstream: "http://10.3.11.30:8080/api/score"`,
    ],
    ['error', `open() "/srv/2048/favicon.ico" failed (2: No such file or directory), ${client}`],
  ])
  const date = localParts(at)
  return `${date.year}/${date.month}/${date.day} ${date.time} [${level}] 9#9: *${random.below(100_000)} ${text}\n`
}

function address(random: Random): string {
  return `10.3.${10 + random.below(4)}.${1 + random.below(254)}`
}

function clfTime(at: Date): string {
  const date = localParts(at)
  const offset = -at.getTimezoneOffset()
  const hours = two(Math.floor(Math.abs(offset) / 60))
  return `${date.day}/${months[at.getMonth()]}/${date.year}:${date.time} ${offset < 0 ? '-' : '+'}${hours}${two(Math.abs(offset) % 60)}`
}

/** The parts of a date in the machine's zone, as digits. */
export function localParts(at: Date): {
  year: number
  month: string
  day: string
  time: string
  ms: string
  monthName: string
} {
  return {
    year: at.getFullYear(),
    month: two(at.getMonth() + 1),
    monthName: months[at.getMonth()] as string,
    day: two(at.getDate()),
    time: `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
    ms: String(at.getMilliseconds()).padStart(3, '0'),
  }
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}
