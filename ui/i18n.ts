/** The page's languages. Both are small and come with the page, so that switching needs no network. */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { keepText, keptText } from './kept-text.ts'
import en from './locales/en.json'
import zhCN from './locales/zh-CN.json'
import { type Language, languages } from './state/url-state.ts'

const storageKey = 'shiplog.language'

/** What was chosen before, else what the browser asks for: its first that is here, English where none is. */
export function preferredLanguage(): Language {
  const kept = languages.find((language) => language === keptText(storageKey))
  if (kept !== undefined) return kept
  const first = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? navigator.language
  return /^zh/i.test(first) ? 'zh-CN' : 'en'
}

export function startLanguage(language: Language): void {
  void i18next.use(initReactI18next).init({
    lng: language,
    resources: { 'zh-CN': { translation: zhCN }, en: { translation: en } },
    interpolation: { escapeValue: false },
    initAsync: false,
  })
  document.documentElement.lang = language
}

export function setLanguage(language: Language, keep: boolean): void {
  if (keep) keepText(storageKey, language)
  if (i18next.language === language) return
  void i18next.changeLanguage(language)
  document.documentElement.lang = language
}
