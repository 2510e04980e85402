/** The whole address of a link that is relative to the folder the page is served under. */
export function linkTo(link: string): string {
  return new URL(link, location.href).href
}
