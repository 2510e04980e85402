import { stateContract } from '../contract/state.ts'
import { storeContract } from '../contract/store.ts'
import { elasticsearch, openStore, statePlace } from './elasticsearch-place.ts'

elasticsearch('the store in Elasticsearch', (url) => {
  storeContract('elasticsearch', () => openStore(url()))
  stateContract('elasticsearch', async () => statePlace(url()))
})
