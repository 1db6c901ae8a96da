export { claimBinder, volumeBinder } from './volume-binder.ts'
