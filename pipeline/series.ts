/**
 * Files that are one log, cut by date or number: `catalina.2024-05-01.log`, `app-20240501.log`, `app.log.2`. Pure.
 *
 * A rotated file keeps the name that it was born with, so this is about names that were dated from the beginning, and about
 * rotated files that were there before anyone looked.
 */

export interface SeriesPlace {
  /** The name without its date or number: `catalina.log`. Of a name that has neither, the name. */
  readonly series: string
  /** Compares as the files follow each other: dated ones by date and number, numbered ones from the highest, then the bare name. */
  readonly place: string
}

// Year and month, with a day, an hour, minutes and seconds where they follow; then a number, as of a second file of that day.
const dated =
  /[._-]?(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01]))?(?:[-_.T]?([01]\d|2[0-3])(?:[-_.]?([0-5]\d)(?:[-_.]?([0-5]\d))?)?)?(?:[-_.](\d{1,9}))?(?!\d)/
const numbered = /^(.*[^\d.].*)\.([1-9]\d{0,2})$/

export function seriesOf(file: string): SeriesPlace {
  const date = dated.exec(file)
  if (date !== null) {
    const [text, year, , month, day = '00', hour = '00', minute = '00', second = '00', number = '0'] = date
    const rest = `${file.slice(0, date.index)}${file.slice(date.index + text.length)}`
    const series = date.index === 0 ? rest.replace(/^[_-]+/, '') : rest
    if (series !== '' && /\p{L}/u.test(series)) {
      return { series, place: `0${year}${month}${day}${hour}${minute}${second}${number.padStart(9, '0')}` }
    }
  }
  const number = numbered.exec(file)
  if (number !== null) {
    return { series: number[1] as string, place: `1${String(999 - Number(number[2])).padStart(3, '0')}` }
  }
  return { series: file, place: '2' }
}

/** The files of one series among others, oldest first. */
export function filesOfSeries(series: string, files: Iterable<string>): string[] {
  const found = [...new Set(files)].map((file) => ({ file, ...seriesOf(file) })).filter((one) => one.series === series)
  return found
    .sort((a, b) => (a.place === b.place ? (a.file < b.file ? -1 : 1) : a.place < b.place ? -1 : 1))
    .map(({ file }) => file)
}
