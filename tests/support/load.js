// Clients under load, in a page: each has a few messages on its way to /echo at any time, and an echo acknowledges its
// message. When a connection is lost, its client comes back, and goes on after the last message that was acknowledged.
globalThis.load = {
    opened: 0, refused: 0, echoes: 0, wrong: [], ends: [], clients: [], runs: true,

    start(count) {
        for (let name = 0; name < count; name++) this.open(this.clients[name] = { name, acknowledged: 0, sent: 0 });
    },

    open(client) {
        const ws = client.ws = new WebSocket(`wss://${location.host}/echo`);
        let wasOpen = false;
        ws.onopen = () => {
            wasOpen = true;
            this.opened++;
            client.sent = client.acknowledged;
            this.send(client);
        };
        ws.onmessage = ({ data }) => {
            const expected = `${client.name} ${client.acknowledged}`;
            if (data !== expected) this.wrong.push(`${data} instead of ${expected}`);
            client.acknowledged++;
            this.echoes++;
            this.send(client);
        };
        ws.onclose = ({ code, reason }) => {
            if (wasOpen) this.ends.push(`${code} ${reason}`.trim());
            else this.refused++;
            if (this.runs || client.acknowledged < client.sent) setTimeout(() => this.open(client), 20);
        };
    },

    send(client) {
        while (this.runs && client.sent < client.acknowledged + 4) client.ws.send(`${client.name} ${client.sent++}`);
    },

    // Sends nothing more, waits for all echoes, and closes.
    async stop() {
        this.runs = false;
        const isOpen = ({ ws, acknowledged, sent }) => ws.readyState === WebSocket.OPEN && acknowledged === sent;
        while (!this.clients.every(isOpen)) await new Promise((resolve) => setTimeout(resolve, 20));
        const closed = this.clients.map(({ ws }) => new Promise((resolve) => ws.addEventListener("close", resolve)));
        for (const { ws } of this.clients) ws.close(1000);
        await Promise.all(closed);
    },
};
