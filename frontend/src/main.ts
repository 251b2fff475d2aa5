import { mount } from 'svelte';
import App from './App.svelte';
import { f } from './agent.svelte';
import './style/app.css';

document.documentElement.dataset['locale'] = f.locale;
mount(App, { target: document.getElementById('page')! });
