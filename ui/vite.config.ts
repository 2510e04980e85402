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
            { name: 'mantine', test: /node_modules\/(@mantine|@floating-ui|dayjs)/ },
            { name: 'vendor', test: /node_modules/ },
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
