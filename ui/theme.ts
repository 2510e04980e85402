/** Mantine's own tokens, mapped to the page's (tokens.css). */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const teal: MantineColorsTuple = [
  '#e3f3f6',
  '#c9e7ec',
  '#9fd3dc',
  '#6fbecb',
  '#48adbd',
  '#2b9bad',
  '#178599',
  '#0b7285',
  '#085f70',
  '#044c5b',
]

/** Mantine paints what floats in its darker greys: here they are the page's. */
const dark: MantineColorsTuple = [
  '#dde3ea',
  '#c2cad3',
  '#8a95a3',
  '#5c6773',
  '#37414c',
  '#252c34',
  '#1a2027',
  '#161b21',
  '#12171c',
  '#101418',
]

export const theme = createTheme({
  colors: { teal, dark },
  primaryColor: 'teal',
  primaryShade: { light: 7, dark: 4 },
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '11px', sm: '13px', md: '13px', lg: '15px', xl: '18px' },
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '10px', xl: '16px' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
})

const mapped = {
  '--mantine-color-body': 'var(--panel)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--muted)',
  '--mantine-color-default-border': 'var(--line)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-primary-color-filled': 'var(--accent)',
  '--mantine-primary-color-filled-hover': 'var(--accent)',
  '--mantine-primary-color-contrast': 'var(--on-accent)',
  '--mantine-primary-color-light': 'var(--tint)',
}

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: mapped, dark: mapped })
