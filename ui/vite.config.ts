import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // Relative addresses: the page also works behind a proxy that serves it under a path.
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // What changes with a new dependency is kept apart from what changes with every build: browsers keep it.
        codeSplitting: {
          groups: [
            // The calendar is large and seldom looked at: it stays with the part that is loaded for it.
            { name: 'mantine', test: /node_modules\/(@mantine\/(core|hooks)|@floating-ui)/ },
            { name: 'vendor', test: /node_modules\/(?!@mantine\/dates|dayjs)/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: { '/api': 'http://127.0.0.1:8080' },
    // The query language is shared with the server and lies beside ui/.
    fs: { allow: ['..'] },
  },
})
