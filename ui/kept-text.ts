/** Small texts that the browser keeps for the page. Where its user has blocked that, the page goes on without. */

export function keptText(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function keepText(key: string, text: string): void {
  try {
    localStorage.setItem(key, text)
  } catch {
    // Blocked or full: the choice holds until the page is closed.
  }
}
