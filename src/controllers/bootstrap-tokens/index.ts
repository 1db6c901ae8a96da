export { bootstrapSigner, tokenCleaner } from './bootstrap-tokens.ts'
